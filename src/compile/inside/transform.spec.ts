import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { workspaceRootUrl } from '../../boundary/workspace-url.js';
import { CompileError } from '../compile-error.js';
import { locate } from './locate.js';
import { InvalidSourceError, transform } from './transform.js';

const noSwc = (): never => {
  throw new Error('nothing here asks for the metadata of decorators');
};
const compile = (source: string, path = 'lib/a.ts') =>
  transform(
    { build, swc: noSwc },
    {
      op: 'compile',
      path,
      source,
      rootUrl: workspaceRootUrl(),
      probe: false,
      outputLimitChars: Infinity,
    },
  );
const failure = (source: string, path?: string) =>
  compile(source, path).then(
    () => undefined,
    (error: unknown) => new CompileError((error as InvalidSourceError).source),
  );

describe('format', () => {
  it.each([
    ['import', `import x from './x'; console.log(x)`, 'module'],
    ['export', 'export const a = 1', 'module'],
    ['import of types only', `import type { A } from './x'; console.log(1 as unknown as A)`, 'commonjs'],
    ['types beside module.exports', `import type { A } from './x'; module.exports = 1`, 'commonjs'],
    ['an empty export', 'export {}; console.log(1)', 'module'],
    ['an exported type only', 'export type A = number; console.log(1)', 'commonjs'],
    ['import.meta beside types', `import type { A } from './x'; import.meta`, 'module'],
    ['top-level await', 'await 1', 'module'],
    ['top-level await beside require', `await 1; require('x')`, 'module'],
    ['import.meta', 'console.log(import.meta.url)', 'module'],
    ['module.exports', 'module.exports = { a: 1 }', 'commonjs'],
    ['exports', 'exports.a = 1', 'commonjs'],
    ['require', `const fs = require('fs')`, 'commonjs'],
    ['import = require', `import x = require('./x'); x();`, 'commonjs'],
    ['__dirname', 'console.log(__dirname)', 'commonjs'],
    ['neither', 'console.log(1)', 'commonjs'],
    ['require as a property only', 'console.log({}.require)', 'commonjs'],
    ['both: import wins', `import x from 'x'; module.exports = x`, 'module'],
  ])('takes %s', async (_, source, format) => {
    expect((await compile(source)).format).toBe(format);
  });

  it.each([
    ['a.mts', 'console.log(1)', 'module'],
    ['a.cts', `import x from './x'; export default x`, 'commonjs'],
    ['a.cjs', 'console.log(1)', 'commonjs'],
    ['a.json', '{"a":1}', 'json'],
  ])('believes the extension of %s', async (path, source, format) => {
    expect((await compile(source, path)).format).toBe(format);
  });
});

describe('specifiers', () => {
  it('finds what is imported, required and loaded late, but no types', async () => {
    const compiled = await compile(
      [
        `import a, { type T } from './a'; import type { U } from './u'; import { V } from './v'; import './side';`,
        `export * from './star'; export { q } from './q';`,
        `const v: V = a; import('./late'); import('./' + v); require("./cjs"); require.resolve('./res'); object.require('./no');`,
      ].join('\n'),
    );
    expect(compiled.specifiers.toSorted()).toEqual([
      './a',
      './cjs',
      './late',
      './q',
      './res',
      './side',
      './star',
    ]);
    expect(compiled.staticImports).toEqual(['./a', './side', './star', './q']);
  });

  it('sees through escapes', async () => {
    expect(
      (await compile(String.raw`require('./\x61b'); require("./a\"b"); require('./ü')`)).specifiers,
    ).toEqual(expect.arrayContaining(['./ab', './ü']));
  });

  it('binds a free require of ESM, and no other', async () => {
    expect((await compile(`import './x'; require('fs')`)).usesRequire).toBe(true);
    const own = await compile(
      `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); require('fs')`,
    );
    expect(own.usesRequire).toBe(false);
    expect(
      (await compile(`import './x'; ((require: any) => require('fs'))(1); 'require(1)'`)).usesRequire,
    ).toBe(false);
    expect((await compile(`require('fs')`)).usesRequire).toBe(false);
  });
});

describe('language', () => {
  it('compiles enums, namespaces, parameter properties and decorators', async () => {
    const { source } = await compile(
      `enum A { x } namespace N { export const y = A.x } class C { constructor(private readonly p = N.y) {} @d m() { return this.p } } function d(f: unknown) { return f }`,
    );
    expect(source).not.toMatch(/\benum\b|\bnamespace\b|@d\b/);
  });

  it('takes JavaScript in a .ts file that TypeScript cannot read', async () => {
    expect((await compile('const f = a ? async (b) : c => d')).source).toContain('a ? async(b) : (c) => d');
  });

  it('takes what follows a byte order mark, also #!', async () => {
    const { source } = await compile('\ufeff#!/usr/bin/env node\r\nexport const a: number = 1;\r\n');
    expect(source).toMatch(/^#!\/usr\/bin\/env node\n/);
  });

  it('knows the URL of a module, by whatever URL it is loaded', async () => {
    const { source } = await compile('console.log(import.meta.url)', 'de ep/#1.ts');
    expect(source).toContain('console.log("file:///tmp/bifrost/workspace/de%20ep/%231.ts")');
  });

  it('reads .js as JavaScript', async () => {
    expect((await compile('a<b>(c)', 'a.js')).source).toContain('a < b > c');
  });
});

describe('errors', () => {
  it('shows the place, with columns from 1 in UTF-16 units', async () => {
    const error = await failure('const ok = 1;\nconst ü = ;', 'flows/x.ts');
    expect(error).toBeInstanceOf(CompileError);
    expect(error).toMatchObject({
      name: 'SyntaxError',
      location: { file: 'flows/x.ts', line: 2, column: 11 },
    });
    expect(error?.message.split('\n')).toEqual([
      'Unexpected ";"',
      '    flows/x.ts:2:11:',
      '      2 │ const ü = ;',
      '        ╵           ^',
    ]);
  });

  it('checks JSON', async () => {
    expect(await failure('{\n  "a": nope }', 'a.json')).toMatchObject({
      location: { file: 'a.json', line: 2, column: 8 },
    });
    expect(await failure('{"a":', 'a.json')).toBeInstanceOf(CompileError);
    expect(await failure('', 'a.json')).toBeInstanceOf(CompileError);
  });

  it('refuses what is no module', async () => {
    expect((await failure('# Hi', 'README.md'))?.message).toContain('README.md cannot be imported');
    expect((await failure('x', 'Makefile'))?.message).toContain('Makefile cannot be imported');
  });
});

describe('stack traces', () => {
  const folder = mkdtempSync(join(tmpdir(), 'compiler-spec-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function topFrame(path: string, source: string, extension: string): Promise<string> {
    const compiled = await compile(source, path);
    const file = join(folder, `run.${extension}`);
    writeFileSync(file, compiled.source);
    const main = `require('node:module').setSourceMapsSupport(true, { nodeModules: false, generatedCode: false });
      import(${JSON.stringify(file)}).catch((error) => console.log(error.stack))`;
    const { stdout } = spawnSync(process.execPath, ['-e', main], { encoding: 'utf8' });
    return stdout.split('\n').find((line) => line.trim().startsWith('at ')) as string;
  }

  const lines = [
    'interface A { b: string }',
    'enum Level { low, high }',
    '',
    'const short = (a: A): string => a.b;   const fails = (a: A | null): never => { const x: Level = Level.low; throw new Error(`${x}`) };',
    'function outer(value: unknown): void {',
    "    /* ünï */ fails(value as A ?? { b: 'x' });",
    '}',
    'outer(short);',
  ];
  const line = lines.findIndex((text) => text.includes('new Error')) + 1;
  const column = (lines[line - 1] as string).indexOf('new Error') + 1;

  it.each([
    ['mjs', 'import "node:fs";\n'],
    ['cjs', 'const fs = require("node:fs");\n'],
  ])('show exact line and column of the TypeScript (%s)', async (extension, head) => {
    const frame = await topFrame('flows/de ep #1.ts', head + lines.join('\n'), extension);
    expect(frame).toContain(`/tmp/bifrost/workspace/flows/de ep #1.ts:${line + 1}:${column}`);
  });

  describe('of code that was compiled before', () => {
    const sources: Record<string, string> = {
      'main.ts': `import { fails } from './part';\n\nfails(1 as number);`,
      'part.ts': `type N = number;\n\nexport const fails = (n: N): never => {\n  throw new Error(String(n));\n};`,
    };

    /** As a bundler publishes it: one file of several, with the map inline. */
    async function bundled(): Promise<string> {
      const source = join(folder, 'source');
      mkdirSync(source, { recursive: true });
      for (const [name, text] of Object.entries(sources)) writeFileSync(join(source, name), text);
      const { outputFiles } = await build({
        entryPoints: [join(source, 'main.ts')],
        bundle: true,
        minify: true,
        format: 'esm',
        sourcemap: 'inline',
        outfile: join(folder, 'dist', 'main.js'),
        write: false,
      });
      return outputFiles[0]?.text as string;
    }

    it('show its sources, as its map names them', async () => {
      const frame = await topFrame('dist/main.js', await bundled(), 'mjs');
      expect(frame).toContain('/tmp/bifrost/workspace/source/part.ts:4:9');
    });

    it('are found in its sources too', async () => {
      const { source } = await compile(await bundled(), 'dist/main.js');
      const [text] = source.split('//# sourceMappingURL=') as [string];
      const at = text.slice(0, text.indexOf('new Error')).split('\n');
      const place = { line: at.length - 1, column: (at.at(-1) as string).length };
      expect(locate(source, [place])).toEqual([
        { line: 3, column: 8, source: 'file:///tmp/bifrost/workspace/source/part.ts' },
      ]);
    });
  });
});
