// Compiles native/freezer and writes its machine code where the worker has it: node scripts/write-freezer.mjs
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LINE_CHARS = 100;
const TARGET = new URL('../src/executor/template/freezer-code.ts', import.meta.url);

const NATIVE = new URL('../native/', import.meta.url);

/** SHA-256 of what is compiled and how: names and contents in the order of the names. */
function sourceDigest() {
  const hash = createHash('sha256');
  const sources = readdirSync(new URL('freezer/', NATIVE))
    .toSorted()
    .map((name) => `freezer/${name}`);
  for (const name of ['build.sh', ...sources])
    hash.update(`${name}\0`).update(readFileSync(new URL(name, NATIVE)));
  return hash.digest('hex');
}

const folder = mkdtempSync(join(tmpdir(), 'freezer-'));
try {
  const library = join(folder, 'freezer.so');
  execFileSync('sh', [new URL('../native/build.sh', import.meta.url).pathname, library], {
    stdio: 'inherit',
  });
  const [compiler] = execFileSync(process.env.CC ?? 'cc', ['--version'], { encoding: 'utf8' }).split('\n');
  const lines = readFileSync(library)
    .toString('base64')
    .match(new RegExp(`.{1,${LINE_CHARS}}`, 'g'));
  writeFileSync(
    TARGET,
    `/**
 * Machine code for x86-64 of what native/freezer has as source: a shared library. Written by
 * scripts/write-freezer.mjs; the same compiler makes the same bytes.
 */
export const FREEZER_COMPILER = ${JSON.stringify(compiler).replaceAll('"', "'")};
/** SHA-256 of the build script and the source files. */
export const FREEZER_SOURCE = '${sourceDigest()}';

export const FREEZER_X64 = Buffer.from(
  \`
${lines.join('\n')}
\`,
  'base64',
);
`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
