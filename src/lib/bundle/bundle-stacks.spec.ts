import { afterAll, describe, expect, it } from '@jest/globals';
import { buildSync } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'bifrost-test-stacks-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a process prints that loads a bundle of this source, after what `before` has done to its files. */
function printed(source: string, before: (bundle: string) => void = () => undefined): string {
  const bundle = join(folder, 'all.cjs');
  writeFileSync(join(folder, 'source.ts'), source);
  buildSync({
    entryPoints: [join(folder, 'source.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    sourcemap: 'external',
  });
  before(bundle);
  const main = join(folder, 'main.mjs');
  const contents = `import { showSourcesOf } from './bundle-stacks.js';
    import { createRequire } from 'node:module';
    showSourcesOf(${JSON.stringify(bundle)});
    createRequire('/')(${JSON.stringify(bundle)});`;
  const stdin = { contents, resolveDir: import.meta.dirname };
  buildSync({ stdin, outfile: main, bundle: true, platform: 'node', format: 'esm' });
  return execFileSync(process.execPath, [main], { encoding: 'utf8' });
}

const THROWS = `interface Gone { a: string }

function thrower(): never {
  throw new RangeError('too far', { cause: 'x' });
}
try { thrower(); } catch (error) { console.log((error as Error).stack); }`;

describe('the stack of an error in a bundle', () => {
  it('names its source, with line and column', () => {
    const [head, first] = printed(THROWS).split('\n');
    expect(head).toBe('RangeError: too far');
    expect(first).toBe(`    at thrower (${join(folder, 'source.ts')}:4:9)`);
  });

  it('names the bundle where there is no map', () => {
    const output = printed(THROWS, (bundle) => writeFileSync(`${bundle}.map`, 'no map'));
    expect(output).toMatch(/ {4}at thrower \(.*\/all\.cjs:\d+:\d+\)/);
  });

  it('is there whatever the error is made of', () => {
    const source = `const error = new Error('x');
      Object.defineProperty(error, 'message', { get() { throw new Error('no'); } });
      console.log(typeof error.stack);
      const bare = {}; Error.captureStackTrace(bare); console.log(bare.stack.split('\\n').length > 1);`;
    expect(printed(source)).toBe('string\ntrue\n');
  });
});
