import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from '@jest/globals';
import { PackageShortcut } from './package-shortcut.js';

const root = realpathSync(mkdtempSync(join(tmpdir(), 'shortcut-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text = ''): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
write('node_modules/esm/package.json', '{"type":"module"}');
write('node_modules/esm/deep/x.js');
write('node_modules/esm/y.cjs');
write('node_modules/esm/cjs/package.json', '{"type":"commonjs"}');
write('node_modules/esm/cjs/z.js');
write('node_modules/plain/package.json', '{}');
write('node_modules/plain/x.js');
write('node_modules/plain/x.mjs');
write('outside.mjs');
symlinkSync(join(root, 'outside.mjs'), join(root, 'node_modules/plain/link.mjs'));

const url = (path: string): string => pathToFileURL(join(root, path)).href;
const resolve = (specifier: string, from: string) =>
  new PackageShortcut(`${url('node_modules')}/`).resolve(specifier, url(from));

describe('PackageShortcut', () => {
  it.each([
    ['./deep/x.js', 'node_modules/esm/a.js', 'module'],
    ['../y.cjs', 'node_modules/esm/deep/x.js', 'commonjs'],
    ['./cjs/z.js', 'node_modules/esm/a.js', 'commonjs'],
    ['./x.mjs', 'node_modules/plain/a.js', 'module'],
  ])('takes %s', (specifier, from, format) => {
    expect(resolve(specifier, from)).toEqual({ url: new URL(specifier, url(from)).href, format });
  });

  it.each([
    ['./x.js', 'node_modules/plain/a.js', 'a file whose format depends on its syntax'],
    ['./x', 'node_modules/plain/a.js', 'a name without extension'],
    ['./nothing.mjs', 'node_modules/plain/a.js', 'a missing file'],
    ['./link.mjs', 'node_modules/plain/a.js', 'a symbolic link'],
    ['esm/deep/x.js', 'node_modules/plain/a.js', 'another package'],
    ['../../outside.mjs', 'node_modules/plain/a.js', 'a way out'],
    ['./outside.mjs', 'a.js', 'an importer that is no package'],
  ])('leaves %s to Node: %s', (specifier, from) => {
    expect(resolve(specifier, from)).toBeNull();
  });
});
