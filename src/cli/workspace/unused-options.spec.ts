import { describe, expect, it } from '@jest/globals';
import { unusedOptions } from './unused-options.js';

const base = '{ "compilerOptions": { "experimentalDecorators": true, "moduleSuffixes": [".ios", ""] } }';

describe('options of a tsconfig.json that are not used', () => {
  it.each<[string, string[]]>([
    ['{ "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"] }, } } // nest', []],
    ['{ "compilerOptions": { "rootDirs": ["a"], "strict": true, "outDir": "dist" } }', ['rootDirs']],
    ['{ "extends": "./base.json" }', ['moduleSuffixes']],
    ['{ "extends": ["./base", "./tsconfig"], "compilerOptions": { "moduleSuffixes": false } }', []],
    ['{ "extends": "./base", "compilerOptions": { "emitDecoratorMetadata": true } }', ['moduleSuffixes']],
    [
      '{ "extends": ["@tsconfig/node26/tsconfig.json", "../out"] }',
      ['extends "@tsconfig/node26/tsconfig.json"', 'extends "../out"'],
    ],
    [
      '{ "compilerOptions": { "emitDecoratorMetadata": true } }',
      ['emitDecoratorMetadata without experimentalDecorators'],
    ],
    ['{ "compilerOptions": { "emitDecoratorMetadata": false } }', []],
    ['{ "compilerOptions": 3, "extends": 4 }', []],
    ['null', []],
    ['no json', []],
  ])('of %s', (text, names) => {
    const files = new Map([
      ['tsconfig.json', text],
      ['base.json', base],
    ]);
    expect(unusedOptions((path) => files.get(path) ?? null)).toEqual(names);
  });

  it('are none without one', () => {
    expect(unusedOptions(() => null)).toEqual([]);
  });
});
