import { describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import type { SourceFormat } from '../../boundary/shipped-module.js';
import { withProbe } from './script-probe.js';
import { transform } from './transform.js';

const noSwc = (): never => {
  throw new Error('no script has a tsconfig');
};

async function probed(code: string): Promise<{ format: SourceFormat; before: string; after: string }> {
  const compiled = await transform(
    { build, swc: noSwc },
    {
      op: 'compile',
      path: 'inline-code.ts',
      source: code,
      rootUrl: 'file:///w/',
      probe: false,
      outputLimitChars: Infinity,
    },
  );
  const { source: after } = withProbe(compiled, code);
  return { format: compiled.format, before: compiled.source, after };
}

const exported = async (code: string): Promise<string[]> =>
  [...(await probed(`${code}\nexport {};`)).after.matchAll(/"var:\d{3}:([^"]+)"/g)].map(
    ([, name]) => name as string,
  );

describe('the probe of a script', () => {
  it.each<[string, string[]]>([
    ['let a = 1; const b = 2; var c;', ['a', 'b', 'c']],
    ['const { a, b: { c }, ...d } = { b: {} } as any; const [e, , f = 1] = []', ['a', 'c', 'd', 'e', 'f']],
    ['import fs from "node:fs"; export const a = fs; function f() {} class C {}', ['a']],
    ['export let a = 1; export { a as b }', ['a']],
    ['enum E { A } export default 1', ['E']],
    ['@((c: any) => c) class C { x = 1 } let a = new C()', ['a']],
    ['using a = null; await using b = null; const c = 1', ['c']],
    ['if (true) { let inner = 1 } for (const i of []) {}', []],
  ])('exports what %s declares', async (code, names) => {
    expect((await exported(code)).toSorted()).toEqual(names.toSorted());
  });

  it('puts everything after ESM code', async () => {
    const { before, after } = await probed('let a = 1;\nexport {};\nthrow a;');
    const code = before.slice(0, before.indexOf('//# sourceMappingURL'));
    expect(after.startsWith(code)).toBe(true);
    expect(after.endsWith(before.slice(code.length))).toBe(true);
  });

  it('puts one line before CommonJS code, after its directives, and moves the map by it', async () => {
    const { format, before, after } = await probed('"use strict";\nconst a = require("node:fs");\nthrow a;');
    expect(format).toBe('commonjs');
    const lines = after.split('\n');
    expect(lines[0]).toBe('"use strict";');
    expect(lines[1]).toContain('get a() { return a }');
    expect(lines[2]).toBe(before.split('\n')[1]);
    expect(mappingsOf(after)).toBe(mappingsOf(before).replace(';', ';;'));
  });

  it.each([
    ['return 1;', ' module.exports = ( 1);'],
    ['return [1].map((n) => {\n  return n;\n});', 'return n;\n}));'],
    ['if (globalThis.a) {\n  return (2);\n}', ' module.exports = ( 2);'],
  ])('makes what %j returns at the top level its export', async (code, expected) => {
    const { after } = await probed(code);
    expect(after).toContain(expected);
    expect(after.match(/module\.exports/g)).toHaveLength(1);
  });

  it.each(['if (globalThis.a) return;', 'function f() { return 1 }', 'var module = {}; return 1'])(
    'leaves the returns of %j alone',
    async (code) => {
      expect((await probed(code)).after).not.toContain('module.exports');
    },
  );

  it('leaves alone what has no variables, no parse, or too much of it', async () => {
    for (const code of [
      'console.log(1)',
      `let a = 1;${' '.repeat(10)}//${'x'.repeat(300_000)}\nlet b = "${'y'.repeat(300_000)}"`,
    ]) {
      const { before, after } = await probed(code);
      expect(after).toBe(before);
    }
    const broken = {
      format: 'module' as const,
      source: 'let = ',
      specifiers: [],
      staticImports: [],
      usesRequire: false,
    };
    expect(withProbe(broken, 'let = ')).toBe(broken);
  });
});

function mappingsOf(source: string): string {
  const encoded = /base64,([\w+/=]+)/.exec(source)?.[1] as string;
  return (JSON.parse(Buffer.from(encoded, 'base64').toString()) as { mappings: string }).mappings;
}
