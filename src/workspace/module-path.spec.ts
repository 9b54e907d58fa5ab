import { describe, expect, it } from '@jest/globals';
import { ModulePathError, normalizeModulePath } from './module-path.js';
import { nearestPaths } from '../lib/text/nearest-paths.js';

describe('normalizeModulePath', () => {
  it.each([
    ['a.ts', 'a.ts'],
    ['./a/b.ts', 'a/b.ts'],
    ['a/../b.ts', 'b.ts'],
    ['a/./b.ts', 'a/b.ts'],
    ['u\u0308.ts', 'ü.ts'],
    ['de ep #1?/[id].ts', 'de ep #1?/[id].ts'],
  ])('spells %j as %j', (path, normal) => {
    expect(normalizeModulePath(path)).toBe(normal);
  });

  it.each([
    ['', 'is empty'],
    ['.', 'names no file'],
    ['a/..', 'names no file'],
    ['../a', 'leaves the workspace'],
    ['a/../../b', 'leaves the workspace'],
    ['/a', 'absolute'],
    ['C:/a', 'absolute'],
    [String.raw`a\b`, 'backslash'],
    ['a//b', 'empty segment'],
    ['a/', 'empty segment'],
    ['a\n.ts', 'control character'],
    ['a\u0000.ts', 'control character'],
    ['\ud800.ts', 'no valid Unicode'],
    ['x'.repeat(513), 'longer than 512 bytes'],
    ['ü'.repeat(257), 'longer than 512 bytes'],
    ['node_modules/x.js', 'node_modules'],
    ['inline-code.ts', 'reserved'],
  ])('refuses %j', (path, reason) => {
    expect(() => normalizeModulePath(path)).toThrow(ModulePathError);
    expect(() => normalizeModulePath(path)).toThrow(reason);
  });
});

describe('nearestPaths', () => {
  const paths = ['lib/greet.ts', 'lib/great.ts', 'flows/main.ts', 'other/folder/greet.ts', 'data.json'];

  it('puts the fewest edits first, swaps of letters included', () => {
    expect(nearestPaths('lib/gret', paths)).toEqual(['lib/great.ts', 'lib/greet.ts']);
    expect(nearestPaths('flows/mian.ts', paths)).toEqual(['flows/main.ts']);
  });

  it('finds the same name in another folder, and nothing for what is like nothing', () => {
    expect(nearestPaths('helpers/greet', paths)).toEqual(['lib/greet.ts', 'other/folder/greet.ts']);
    expect(nearestPaths('completely/different/thing', paths)).toEqual([]);
  });

  it('looks at a bounded number of paths, whatever is asked for', () => {
    let compared = 0;
    const many = function* (): Generator<string> {
      for (let index = 0; index < 100_000; index += 1) {
        compared += 1;
        yield `lib/${String(index).padStart(5, '0')}.ts`;
      }
    };
    expect(nearestPaths('x'.repeat(2_000), many())).toEqual([]);
    expect(compared).toBe(0);
    expect(nearestPaths('lib/00001', many())).toContain('lib/00001.ts');
  });

  it('gives no more than asked for', () => {
    expect(nearestPaths('lib/greet', paths, 1)).toEqual(['lib/greet.ts']);
  });
});
