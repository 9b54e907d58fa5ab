import { expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FREEZER_COMPILER,
  FREEZER_SOURCE,
  FREEZER_X64,
} from '../../../src/executor/template/freezer-code.js';

const NATIVE = new URL('../../../native/', import.meta.url);

/** As scripts/write-freezer.mjs has it. */
function sourceDigest(): string {
  const hash = createHash('sha256');
  const sources = readdirSync(new URL('freezer/', NATIVE)).map((name) => `freezer/${name}`);
  for (const name of ['build.sh', ...sources.toSorted()])
    hash.update(`${name}\0`).update(readFileSync(new URL(name, NATIVE)));
  return hash.digest('hex');
}

/** What it is built from where this compiler is another: that the source is the one that was compiled must do. */
const hasCompiler = (): boolean =>
  spawnSync('cc', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0] === FREEZER_COMPILER;

it('the machine code is that of the source beside it', () => {
  expect(FREEZER_SOURCE).toBe(sourceDigest());
  if (!hasCompiler()) return;
  const folder = mkdtempSync(join(tmpdir(), 'freezer-'));
  try {
    const library = join(folder, 'freezer.so');
    execFileSync('sh', [new URL('build.sh', NATIVE).pathname, library]);
    expect(readFileSync(library).equals(FREEZER_X64)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('the machine code needs no library', () => {
  // DT_NEEDED entries name libraries in the string table, which holds the exports and nothing else.
  const names = FREEZER_X64.toString('latin1').match(/[\w.-]+\.so[\w.]*/g);
  expect(names).toBeNull();
  expect(FREEZER_X64.includes('freezer_freeze')).toBe(true);
});
