import { describe, expect, it } from '@jest/globals';
import { namedImports, namesModule, namesUrl } from './named-imports.js';

describe('named imports', () => {
  it.each<[string, Record<string, string[]>]>([
    ['import { chunk, map as m } from "lodash";', { lodash: ['chunk', 'map'] }],
    ['import _, { chunk } from "lodash";', { lodash: ['chunk'] }],
    ['import {\n  a,\n  b\n} from "x/y";\nimport { c } from "x/y";', { 'x/y': ['a', 'b', 'c'] }],
    ['export { a as b } from "x";', { x: ['a'] }],
    ['import { default as d } from "x";', {}],
    ['import * as all from "x";\nimport { a } from "x";', {}],
    ['export * from "x";', {}],
    ['import d from "x";\nimport "y";', {}],
    ['import { "odd name" as o } from "x";', {}],
  ])('of %j', (source, names) => {
    expect(Object.fromEntries(namedImports(source))).toEqual(names);
  });

  it('are taken from what the package exports, or are missing as Node says it', async () => {
    const cjs =
      'data:text/javascript,export default { chunk: 1 }; const all = { chunk: 1 }; export { all as "module.exports" }';
    const load = (names: string[]): string => namesModule(namesUrl(cjs, 'lodash', names));
    expect(load(['chunk'])).toContain('n0 as "chunk"');
    expect(load(['none'])).toContain("does not provide an export named '");
  });
});
