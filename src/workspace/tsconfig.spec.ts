import { describe, expect, it } from '@jest/globals';
import { compilerOptions } from './tsconfig.js';

const used = (text: string): unknown => {
  const { json } = compilerOptions(text);
  return json === '' ? null : (JSON.parse(json) as { compilerOptions: unknown }).compilerOptions;
};

describe('the compiler options of a generation', () => {
  it.each<[string, unknown]>([
    [
      '{ "compilerOptions": { "experimentalDecorators": true, "outDir": "dist", "strict": true } }',
      { experimentalDecorators: true },
    ],
    ['{ "compilerOptions": { "target": "es2021" } }', { useDefineForClassFields: false }],
    [
      '{ "compilerOptions": { "target": "ES2017", "useDefineForClassFields": true } }',
      { useDefineForClassFields: true },
    ],
    ['{ "compilerOptions": { "target": "ES2023" } }', null],
    ['{ "compilerOptions": { "jsx": "preserve" } }', null],
    ['{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }', { jsx: 'react', jsxFactory: 'h' }],
    [
      '{ // as tsc --init\n "compilerOptions": { "verbatimModuleSyntax": true, }, }',
      { verbatimModuleSyntax: true },
    ],
    ['no json', null],
    ['{}', null],
    ['{ "compilerOptions": 3 }', null],
  ])('of %j', (text, options) => {
    expect(used(text)).toEqual(options);
  });

  it('are the same by whatever else the file says', () => {
    const a = compilerOptions('{ "compilerOptions": { "experimentalDecorators": true } }');
    const b = compilerOptions(
      '{ "include": [], "compilerOptions": { "experimentalDecorators": true, "noEmit": true } }',
    );
    expect(a.key).toBe(b.key);
    expect(compilerOptions(null)).toEqual({ json: '', key: '' });
  });
});
