import { describe, expect, it } from '@jest/globals';
import { unusedOptions } from './unused-options.js';

describe('options of a tsconfig.json that are not used', () => {
  it.each<[string, string[]]>([
    [
      '{ "extends": "./base.json", "compilerOptions": { "baseUrl": ".", "paths": { "@/*": ["src/*"] }, } } // nest',
      ['extends', 'baseUrl', 'paths'],
    ],
    ['{ "compilerOptions": { "emitDecoratorMetadata": true } }', ['emitDecoratorMetadata']],
    ['{ "compilerOptions": { "emitDecoratorMetadata": false, "strict": true, "outDir": "dist" } }', []],
    ['{ "compilerOptions": 3 }', []],
    ['null', []],
    ['no json', []],
  ])('of %s', (text, names) => {
    expect(unusedOptions(text)).toEqual(names);
  });
});
