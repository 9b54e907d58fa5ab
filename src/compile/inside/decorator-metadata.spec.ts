import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { swcPath } from '../swc-path.js';
import { asksForMetadata, type Swc, withDecoratorMetadata } from './decorator-metadata.js';

const swc = createRequire(import.meta.url)(swcPath() as string) as Swc;
const nest = { experimentalDecorators: true, emitDecoratorMetadata: true };

function compiled(source: string, options: Record<string, unknown> = {}, path = 'a.ts'): string {
  const tsconfig = JSON.stringify({ compilerOptions: { ...nest, ...options } });
  const code = withDecoratorMetadata(swc, { source, path, tsconfig });
  return code.slice(0, code.lastIndexOf('//# sourceMappingURL='));
}

/** What `design:type` says of a property of this type. */
const typeOf = (type: string, before = ''): string | undefined =>
  /"design:type", (.*)\)\n/.exec(compiled(`${before}\nclass A { @d() p: ${type} }`))?.[1];

describe('metadata of decorators', () => {
  it.each([
    [
      '{"compilerOptions":{"experimentalDecorators":true,"emitDecoratorMetadata":true}}',
      '@d class A {}',
      true,
    ],
    ['{"compilerOptions":{"experimentalDecorators":true,"emitDecoratorMetadata":true}}', 'class A {}', false],
    ['{"compilerOptions":{"emitDecoratorMetadata":true}}', '@d class A {}', false],
    [
      '{"compilerOptions":{"experimentalDecorators":true,"emitDecoratorMetadata":false}}',
      '@d class A {}',
      false,
    ],
    ['', '@d class A {}', false],
    [undefined, '@d class A {}', false],
  ])('by %s for %s: %j', (tsconfig, source, asks) => {
    expect(asksForMetadata(source, tsconfig)).toBe(asks);
  });

  it.each([
    ['string', '', 'String'],
    ['number | undefined', '', 'Object'],
    ['string[]', '', 'Array'],
    ['Date', '', '__bifrost_type(() => Date)'],
    ['B', 'class B {}', '__bifrost_type(() => B)'],
    ['I', 'interface I {}', 'Object'],
    ['Request', 'type Request = { a: 1 };', 'Object'],
    ['Request', `import type { Request } from 'express';`, 'Object'],
    ['Request', `import { type Request, json } from 'express'; json();`, 'Object'],
    ['B', 'interface B { a: 1 }; class B {}', '__bifrost_type(() => B)'],
    ['B', `import { B } from './b';`, '__bifrost_type(() => __bifrost_types_2["B"])'],
    ['B', `import { default as B } from './b';`, '__bifrost_type(() => __bifrost_types_2["default"])'],
    ['B', `import B from './b';`, '__bifrost_type(() => __bifrost_types_2["default"])'],
    ['B', `import { B } from './b'; new B();`, '__bifrost_type(() => B)'],
    ['ns.B', `import * as ns from './b';`, '__bifrost_type(() => ns.B)'],
  ])('of the type %s after %j: %s', (type, before, expected) => {
    expect(typeOf(type, before)).toBe(expected);
  });

  it('links what only names types, whatever its module exports, and keeps the other imports', () => {
    const code = compiled(
      `import one, { Two, used, type Three } from './b';\nused(one);\n@d class A { constructor(two: Two, three: Three) {} }`,
    );
    expect(code).toContain(
      `import * as __bifrost_types_2 from "./b"; import one, { "used" as used } from "./b";`,
    );
    expect(code).toMatch(
      /"design:paramtypes", \[\s+__bifrost_type\(\(\) => __bifrost_types_2\["Two"\]\),\s+Object\s+\]/,
    );
  });

  it('leaves code without decorated types alone', () => {
    expect(compiled('@d class A {}')).not.toContain('__bifrost');
  });

  it('obeys the other options', () => {
    expect(compiled('class A { @d() p = 1 }', { useDefineForClassFields: false })).toContain('this.p = 1');
    expect(compiled(`import { b } from './b'; @d class A {}`, { verbatimModuleSyntax: true })).toContain(
      `from './b'`,
    );
    const classic = compiled(
      '@d class A { r() { return <b/> } }',
      { jsx: 'react', jsxFactory: 'h' },
      'a.tsx',
    );
    expect(classic).toContain('h("b"');
    expect(compiled('@d class A { r() { return <b/> } }', {}, 'a.tsx')).toContain('react/jsx-runtime');
  });
});
