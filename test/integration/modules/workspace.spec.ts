import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFolder } from '../../../src/cli/workspace/workspace-folder.js';
import { sha256 } from '../../../src/lib/sha256.js';
import { ModuleRunner } from '../../support/runners/module-runner.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { filesOf, openWorkspace } from '../../support/workspace.js';

const redis = useRedis();
let runner: ModuleRunner;
let packagesDir: string;
let workspaces = 0;

beforeAll(async () => {
  runner = await ModuleRunner.build();
  packagesDir = await mkdtemp(join(tmpdir(), 'bifrost-packages-'));
  await writePackage('esm-kit', {
    'package.json': JSON.stringify({
      name: 'esm-kit',
      type: 'module',
      exports: { '.': './main.js', './sub': './deep/sub.js' },
    }),
    'main.js': `import { inner } from './deep/inner.js'; export { inner }; export const name = 'esm-kit';`,
    'deep/inner.js': `import { late } from '../late.mjs'; export const inner = 'inner+' + late;`,
    'late.mjs': `export const late = 'late';`,
    'deep/sub.js': `export default 'sub';`,
  });
  await writePackage('cjs-kit', {
    'package.json': JSON.stringify({ name: 'cjs-kit', main: 'index.js' }),
    'index.js': `exports.name = 'cjs-kit'; exports.part = require('./part').part;`,
    'part.js': `exports.part = 'part';`,
  });
  await writePackage('hidden', {
    'package.json': JSON.stringify({ name: 'hidden', main: 'index.js' }),
    'index.js': `const all = {}; for (const name of ['chunk', 'map']) all[name] = () => name; module.exports = all;`,
    'fp.js': `module.exports = { fp: true };`,
    'locale/de.js': `module.exports = 'de';`,
  });
  await writePackage('shared', {
    'package.json': JSON.stringify({ name: 'shared', main: 'index.js' }),
    'index.js': `exports.name = 'shared package';`,
  });
  await writePackage('fs', {
    'package.json': JSON.stringify({ name: 'fs', main: 'index.js' }),
    'index.js': `exports.fake = true;`,
  });
});

afterAll(async () => {
  await runner.dispose();
  await rm(packagesDir, { recursive: true, force: true });
});

async function writePackage(name: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(packagesDir, 'node_modules', name, path);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
  }
}

/** A new folder in which a program of our own packages has written what it writes there. */
async function generated(program: 'tsc' | 'nest', args: readonly string[]): Promise<string> {
  const cwd = await mkdtemp(join(packagesDir, `${program}-`));
  const file = join(process.cwd(), 'node_modules', '.bin', program);
  await promisify(execFile)(process.execPath, [await realpath(file), ...args], { cwd });
  return cwd;
}

/** An empty workspace of its own. */
const open = () => openWorkspace(redis.connect(), redis.connect(), `w${(workspaces += 1)}:`);

async function runModule(files: Record<string, string>, path: string) {
  const { publisher, service, rootUrl } = open();
  await publisher.publish(filesOf(files));
  const prepared = await service.prepare({ entry: { kind: 'module', path } });
  if (!prepared.ok) throw new Error(prepared.failure.message);
  return runner.run(prepared, rootUrl, packagesDir);
}

async function failure(files: Record<string, string>, path = 'main.ts') {
  const { publisher, service } = open();
  await publisher.publish(filesOf(files));
  const prepared = await service.prepare({ entry: { kind: 'module', path } });
  return prepared.ok ? undefined : prepared.failure;
}

describe('names', () => {
  const library = {
    'lib/dep.ts': `export const dep: string = 'dep';`,
    'lib/index.ts': `export const index: string = 'lib index';`,
    'lib/both.ts': `export default 'both.ts';`,
    'lib/both/index.ts': `export default 'both/index.ts';`,
    'lib/old.js': `export default 'old.js';`,
    'lib/old.ts': `export default 'old.ts';`,
    'lib/de ep #1?.ts': `export default import.meta.url;`,
    'lib/[id].ts': `export default import.meta.filename;`,
    'data/table.json': `{ "rows": [1, 2] }`,
    'shared/util.ts': `export const util: string = 'util';`,
    'shared/üml.ts': `export default 'üml';`,
  };

  it.each([
    ['a relative path with extension', `import { dep } from '../lib/dep.ts'; export default dep`, 'dep'],
    ['without extension', `import { dep } from '../lib/dep'; export default dep`, 'dep'],
    ['./x.js that means x.ts', `import { dep } from '../lib/dep.js'; export default dep`, 'dep'],
    ['./x.js that exists', `import old from '../lib/old.js'; export default old`, 'old.js'],
    ['a folder', `import { index } from '../lib'; export default index`, 'lib index'],
    ['a folder with a slash', `import both from '../lib/both/'; export default both`, 'both/index.ts'],
    ['a file before a folder', `import both from '../lib/both'; export default both`, 'both.ts'],
    ['JSON', `import table from '../data/table.json'; export default table.rows`, [1, 2]],
    [
      'JSON with the attribute',
      `import table from '../data/table.json' with { type: 'json' }; export default table.rows`,
      [1, 2],
    ],
    ['JSON without extension', `import table from '../data/table'; export default table.rows`, [1, 2]],
    ['from the workspace root', `import { util } from 'shared/util'; export default util`, 'util'],
    ['beyond ASCII', `import x from '../shared/üml'; export default x`, 'üml'],
    [
      'its URL',
      `import { util } from 'file:///tmp/bifrost/workspace/shared/util.ts'; export default util`,
      'util',
    ],
    [
      'blanks and signs',
      `import x from '../lib/de ep #1?'; export default x`,
      'file:///tmp/bifrost/workspace/lib/de%20ep%20%231%3F.ts',
    ],
    ['brackets', `import x from '../lib/[id]'; export default x`, '/tmp/bifrost/workspace/lib/[id].ts'],
    [
      'a built-in',
      `import { sep } from 'node:path'; import { posix } from 'path'; export default sep + posix.sep`,
      '//',
    ],
  ])('finds %s', async (_, source, expected) => {
    const run = await runModule({ ...library, 'flows/main.ts': source }, 'flows/main.ts');
    expect(run.error).toBeUndefined();
    expect(run.value).toEqual(expected);
    expect(run.requests).toEqual([]);
  });

  it('never lets workspace or package shadow a built-in', async () => {
    const { value } = await runModule(
      {
        'main.ts': `import * as fs from 'fs'; import path from 'path'; export default [typeof fs.readFileSync, typeof path.join]`,
        'fs.ts': 'export const fake = 1',
        'path/index.ts': 'export default {}',
      },
      'main.ts',
    );
    expect(value).toEqual(['function', 'function']);
  });

  it('prefers the workspace to a package of the same name', async () => {
    const main = `import * as shared from 'shared'; export default shared.name`;
    const own = { 'main.ts': main, 'shared/index.ts': `export const name = 'shared folder'` };
    expect((await runModule(own, 'main.ts')).value).toBe('shared folder');
    expect((await runModule({ 'main.ts': main }, 'main.ts')).value).toBe('shared package');
  });

  it('takes packages, their subpaths and relative imports within', async () => {
    const { value, error } = await runModule(
      {
        'main.ts': `import { name, inner } from 'esm-kit'; import sub from 'esm-kit/sub'; import cjs, { part } from 'cjs-kit';
          export default [name, inner, sub, cjs.name, part]`,
      },
      'main.ts',
    );
    expect(error).toBeUndefined();
    expect(value).toEqual(['esm-kit', 'inner+late', 'sub', 'cjs-kit', 'part']);
  });
});

describe('module systems', () => {
  it('asks for computed imports, and gets all they import with one answer', async () => {
    const { value, requests } = await runModule(
      {
        'main.ts': `export default async () => { const n = ['a', 'b'].at(0); return [(await import('./late/' + n)).default, (await import('./late/' + n)).default] }`,
        'late/a.ts': `import { b } from './b'; export default 'a' + b`,
        'late/b.ts': `import { c } from './c'; export const b = 'b' + c`,
        'late/c.ts': `export const c = 'c'`,
      },
      'main.ts',
    );
    expect(value).toEqual(['abc', 'abc']);
    expect(requests).toEqual([{ specifier: './late/a', from: 'file:///tmp/bifrost/workspace/main.ts' }]);
  });

  it('runs circular imports and top-level await', async () => {
    const { value } = await runModule(
      {
        'main.ts': `import { even } from './even'; export default even(10)`,
        'even.ts': `import { odd } from './odd'; export const even = (n: number): boolean => n === 0 || odd(n - 1)`,
        'odd.ts': `import { even } from './even'; await null; export const odd = (n: number): boolean => n !== 0 && even(n - 1)`,
      },
      'main.ts',
    );
    expect(value).toBe(true);
  });

  it('lets CommonJS that import() has reached require a module and a package', async () => {
    const { value, error } = await runModule(
      {
        'main.ts': `export default async () => (await import('./old')).default`,
        'old.cts': `const { other } = require('./other'); const kit = require('cjs-kit'); const esm = require('esm-kit'); const t = require('./data.json');
          module.exports = [other, kit.name, esm.name, t.n, require.resolve('./other'), require.resolve('shared/x'), __filename, __dirname, require('./modern').modern]`,
        'other.cjs': `exports.other = 'other ' + require('node:path').sep`,
        'modern.ts': `import { x } from 'shared/x'; export const modern = 'modern ' + x`,
        'shared/x.ts': `export const x = 1`,
        'data.json': '{"n":5}',
      },
      'main.ts',
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([
      'other /',
      'cjs-kit',
      'esm-kit',
      5,
      '/tmp/bifrost/workspace/other.cjs',
      '/tmp/bifrost/workspace/shared/x.ts',
      '/tmp/bifrost/workspace/old.cts',
      '/tmp/bifrost/workspace',
      'modern 1',
    ]);
  });

  it('gives named exports of CommonJS to ESM, and createRequire and a free require to ESM', async () => {
    const { value, error } = await runModule(
      {
        'main.ts': `import { createRequire } from 'node:module'; import { other } from './other.cjs';
          const own = createRequire(import.meta.url);
          export default [other, own('./other').other, own.resolve('./other'), require('./other').other, require('cjs-kit').name, require.resolve('./other')]`,
        'other.cjs': `exports.other = 1`,
      },
      'main.ts',
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([
      1,
      1,
      '/tmp/bifrost/workspace/other.cjs',
      1,
      'cjs-kit',
      '/tmp/bifrost/workspace/other.cjs',
    ]);
  });

  it('gives modules their own URL', async () => {
    const { value } = await runModule(
      {
        'a/main.ts': `export default [import.meta.url, import.meta.filename, import.meta.dirname, import.meta.resolve('./x'), import.meta.resolve('node:fs')]`,
        'a/x.ts': `export {}`,
      },
      'a/main.ts',
    );
    expect(value).toEqual([
      'file:///tmp/bifrost/workspace/a/main.ts',
      '/tmp/bifrost/workspace/a/main.ts',
      '/tmp/bifrost/workspace/a',
      'file:///tmp/bifrost/workspace/a/x.ts',
      'node:fs',
    ]);
  });

  it('runs inline code, which imports from the root', async () => {
    const { publisher, service, rootUrl } = open();
    await publisher.publish(filesOf({ 'lib/x.ts': 'export const x: number = 7' }));
    const code = `import { x } from './lib/x'; import { x as y } from 'lib/x'; export default x + y`;
    for (let round = 0; round < 2; round += 1) {
      const prepared = await service.prepare({ entry: { kind: 'inline', code } });
      expect((await runner.run(prepared, rootUrl)).value).toBe(14);
    }
  });
});

describe('errors', () => {
  it('show exact lines of the source three modules deep, of files that are on no disk', async () => {
    const { error } = await runModule(
      {
        'main.ts': `import { middle } from './lib/middle';\nexport default () => middle({ a: 1 });`,
        'lib/middle.ts': `import { deep } from './deep';\ninterface A { a: number }\nexport const middle = (a: A): never => deep(a.a);`,
        'lib/deep.ts': `enum Kind { one, two }\n\nexport function deep(value: number): never {\n  const kind: Kind = Kind.two; throw new RangeError(\`\${kind}\${value}\`);\n}`,
      },
      'main.ts',
    );
    expect(error?.stack.split('\n').slice(0, 4)).toEqual([
      'RangeError: 11',
      '    at deep (/tmp/bifrost/workspace/lib/deep.ts:4:38)',
      '    at middle (/tmp/bifrost/workspace/lib/middle.ts:3:40)',
      '    at default (/tmp/bifrost/workspace/main.ts:2:22)',
    ]);
    expect(existsSync('/tmp/bifrost/workspace')).toBe(false);
  });

  it('name the importing line and the nearest path when a module is missing', async () => {
    const files = {
      'flows/main.ts': `import { a } from '../lib/a';\nimport type { T } from './t';\n  import { gret } from '../lib/gret';\nexport default () => gret(a as T);`,
      'lib/a.ts': 'export const a = 1',
      'lib/greet.ts': 'export const gret = 1',
    };
    expect(await failure(files, 'flows/main.ts')).toMatchObject({
      code: 'MODULE_NOT_FOUND',
      name: 'ModuleNotFound',
      message: 'Cannot find "../lib/gret", imported by flows/main.ts:3:24. Did you mean lib/greet.ts?',
    });
    expect(await failure(files, 'flows/mian.ts')).toMatchObject({
      code: 'MODULE_NOT_FOUND',
      message: expect.stringMatching(
        /Cannot find the workspace module "flows\/mian\.ts".* Did you mean flows\/main\.ts\?/,
      ),
    });
  });

  it('throw for a missing package and a missing computed import in the code that asked', async () => {
    const { value, error } = await runModule(
      {
        'main.ts': `const tried = async (name: string) => { try { await import(name); return 'found' } catch (e: any) { return [e.code, e.name, e.message] } };
          const required = () => { try { require('./nix') } catch (e: any) { return e.code } };
          export default async () => [await tried('lodahs'), await tried('./libb'), required()]`,
        'lib.ts': 'export {}',
      },
      'main.ts',
    );
    expect(error).toBeUndefined();
    expect(value).toEqual([
      [
        'ERR_MODULE_NOT_FOUND',
        'ModuleNotFound',
        expect.stringContaining('Cannot find "lodahs", imported by main.ts: neither'),
      ],
      [
        'ERR_MODULE_NOT_FOUND',
        'ModuleNotFound',
        'Cannot find "./libb", imported by main.ts. Did you mean lib.ts?',
      ],
      'MODULE_NOT_FOUND',
    ]);
  });

  it('let the runner report which failure an error stands for', async () => {
    const { error } = await runModule({ 'main.ts': `import 'lodahs'` }, 'main.ts');
    expect(error).toMatchObject({
      name: 'ModuleNotFound',
      failure: { code: 'MODULE_NOT_FOUND', message: expect.stringContaining('imported by main.ts:1:8') },
    });
  });

  it.each([
    ['../../etc/passwd', 'it leaves the workspace'],
    ['file:///etc/passwd', 'it lies outside the workspace'],
    ['file:///tmp/bifrost/workspace/../../../etc/passwd', 'it lies outside the workspace'],
    ['data:text/javascript,export default 1', 'data: URLs are not loaded'],
    ['http://example.com/x.js', 'http: URLs are not loaded'],
    ['https://example.com/x.js', 'https: URLs are not loaded'],
    ['/etc/passwd', 'absolute paths are not loaded'],
  ])('refuse %s by name', async (specifier, reason) => {
    expect(await failure({ 'main.ts': `import '${specifier}'` })).toMatchObject({
      code: 'MODULE_NOT_FOUND',
      message: expect.stringContaining(`The import of "${specifier}" in main.ts:1:8 is refused: ${reason}`),
    });
    const late = `export default async () => { const results = []; const s: string = ${JSON.stringify(specifier)};
      try { await import(s) } catch (e: any) { results.push(e.message) } try { require(s) } catch (e: any) { results.push(e.message) } return results }`;
    const { value } = await runModule({ 'main.ts': late }, 'main.ts');
    expect(value).toEqual([expect.stringContaining(reason), expect.stringContaining(reason)]);
  });

  it('end a search for modules that are not there', async () => {
    const { publisher, service, rootUrl } = open();
    await publisher.publish(filesOf({ 'main.ts': 'export default 1' }));
    const program = await service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
    if (!program.ok) throw new Error(program.failure.message);
    const ask = (at: number) => program.answer({ specifier: `./no${at}`, from: `${rootUrl}main.ts` });
    for (let at = 0; at < 1_000; at += 1)
      expect(await ask(at)).toMatchObject({ error: { code: 'MODULE_NOT_FOUND' } });
    expect(await ask(1_000)).toMatchObject({ error: { code: 'MODULE_LIMIT' } });
  });

  it('point into a module that does not compile', async () => {
    expect(await failure({ 'main.ts': `import './b'`, 'b.ts': 'let a =\n  ;' })).toMatchObject({
      code: 'USER_ERROR',
      name: 'SyntaxError',
      message: expect.stringContaining('b.ts:2:3'),
    });
    const { value } = await runModule(
      {
        'main.ts': `export default () => import('./b').catch((e) => [e.name, e instanceof SyntaxError, e.message])`,
        'b.ts': '?',
      },
      'main.ts',
    );
    expect(value).toEqual(['SyntaxError', true, expect.stringContaining('b.ts:1:1')]);
  });
});

describe('packages as people import them', () => {
  it.each<[string, string, unknown]>([
    [
      'names that Node cannot see',
      `import { chunk, map as m } from 'hidden'; export default [chunk(), m()]`,
      ['chunk', 'map'],
    ],
    ['names and the whole', `import all, { chunk } from 'hidden'; export default all.chunk === chunk`, true],
    [
      'names passed on',
      `export { chunk } from 'hidden'; import { map } from 'hidden'; export default map()`,
      'map',
    ],
    ['a subpath without extension', `import fp from 'hidden/fp'; export default fp.fp`, true],
    ['a deeper one', `import de from 'hidden/locale/de'; export default de`, 'de'],
    ['a namespace', `import * as all from 'hidden'; export default typeof all.default.chunk`, 'function'],
  ])('%s', async (_what, source, value) => {
    expect(await runModule({ 'main.ts': source }, 'main.ts')).toMatchObject({ value });
  });

  it('says what a package does not export', async () => {
    const { error } = await runModule(
      { 'main.ts': `import { none } from 'hidden'; export default none` },
      'main.ts',
    );
    expect(error?.message).toBe("The requested module 'hidden' does not provide an export named 'none'");
  });
});

describe('the tsconfig.json of a generation', () => {
  const legacy = `
    function seen(...args: unknown[]): void { calls.push(args.length) }
    const calls: number[] = [];
    class A { @seen field = 1; @seen method() {} constructor(@seen _p: number) {} }
    export default calls;`;
  const shadowing = `
    class Base { name = 'base' }
    class Derived extends Base { declare other: string; name: string }
    export default new Derived(1).name ?? 'gone';`;
  it.each<[string, string | null, string, unknown]>([
    [
      'legacy decorators',
      '{ // tsc --init\n "compilerOptions": { "experimentalDecorators": true, }, }',
      legacy,
      [3, 3, 3],
    ],
    [
      'class fields that are assigned',
      '{ "compilerOptions": { "useDefineForClassFields": false } }',
      shadowing,
      'base',
    ],
    ['an old target', '{ "compilerOptions": { "target": "ES2021" } }', shadowing, 'base'],
    ['nothing', null, shadowing, 'gone'],
    [
      'a byte order mark',
      '\ufeff{ "compilerOptions": { "useDefineForClassFields": false } }',
      shadowing,
      'base',
    ],
    [
      'JSX',
      '{ "compilerOptions": { "jsx": "react", "jsxFactory": "h" } }',
      `const h = (name: string) => name; export default <b>x</b>;`,
      'b',
    ],
  ])('decides: %s', async (_what, tsconfig, source, value) => {
    const files = { ...(tsconfig === null ? {} : { 'tsconfig.json': tsconfig }), 'main.tsx': source };
    expect(await runModule(files, 'main.tsx')).toMatchObject({ value });
  });

  it('has decorators tell the types of what they decorate', async () => {
    const nest =
      '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true, "target": "ES2023" } }';
    const files = {
      'tsconfig.json': nest,
      'reflect.ts': `export const seen: string[] = [];
        const name = (type: any) => Array.isArray(type) ? type.map(name) : (type?.name ?? String(type));
        (Reflect as any).metadata = (key: string, type: unknown) => (_target: object, property?: string) => {
          if (key !== 'design:type' || property !== undefined) seen.push(\`\${property ?? 'class'} \${key.slice(7)} \${name(type)}\`);
        };`,
      // As entities of a database do: each names the other.
      'author.ts': `import { Book } from './book'; import { Described } from './types';
        @((_: unknown) => undefined) export class Author { constructor(readonly book: Book, readonly d: Described) {} }`,
      'book.ts': `import { Author } from './author'; import { seen } from './reflect';
        const column = (): PropertyDecorator => () => undefined;
        export class Book { @column() author: Author; @column() at: Date; @column() title?: string }
        export default seen;`,
      'types.ts': 'export interface Described { text: string }',
      'main.ts': `import './reflect'; import './author'; import seen from './book'; export default seen`,
    };
    expect(await runModule(files, 'main.ts')).toMatchObject({
      value: ['author type Object', 'at type Date', 'title type String', 'class paramtypes Book,Object'],
    });
  });

  it('shows the right line of code with the metadata of decorators', async () => {
    const files = {
      'tsconfig.json':
        '{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }',
      'main.ts': `import { B, type I } from './b';

const d = (..._: unknown[]): any => undefined;
@d export default class A {
  constructor(readonly b: B, readonly i: I) {}
  @d static run(@d at: B): void {
    if (at === undefined) throw new Error('here');
  }
}
A.run(undefined as never);`,
      'b.ts': 'export class B {} export interface I { a: 1 }',
    };
    const { error } = await runModule(files, 'main.ts');
    expect(error?.stack).toContain('main.ts:7:33');
    expect(error?.stack).toContain('main.ts:10:3');
  });

  it('leads names by paths and baseUrl, its own and of what it extends', async () => {
    const files = {
      'tsconfig.json':
        '{ "extends": "./config/base", "compilerOptions": { "paths": { "@/*": ["./src/*"], "#/*": ["./src/*"] } } }',
      'config/base.json': '{ "compilerOptions": { "baseUrl": "../lib", "paths": { "@/*": ["./no/*"] } } }',
      'lib/src/a.ts': `export { b } from '#/b';`,
      'lib/src/b.ts': `export const b = 'by paths';`,
      'lib/plain/c.ts': `export default 'by baseUrl';`,
      'other/d.ts': `export default 'from the root';`,
      'main.ts': `import { b } from '@/a.js'; import c from 'plain/c'; import d from 'other/d';
        const late = await import('@/' + 'b');
        export default [b, c, d, late.b, require('@/b').b, typeof (await import('hidden')).default];`,
    };
    expect(await runModule(files, 'main.ts')).toMatchObject({
      value: ['by paths', 'by baseUrl', 'from the root', 'by paths', 'by paths', 'object'],
    });
  });

  it('says which file is not there by the path that its mapping leads to', async () => {
    const files = {
      'tsconfig.json': '{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }',
      'src/users.ts': '',
      'main.ts': `import '@/user'`,
    };
    const { error } = await runModule(files, 'main.ts');
    expect(error?.message).toBe(
      'Cannot find "@/user", imported by main.ts:1:8: neither a workspace module nor a package has this name. Did you mean src/users.ts?',
    );
  });

  it('takes part in what is remembered', async () => {
    const { publisher, service, rootUrl } = open();
    const run = async (tsconfig: string): Promise<unknown> => {
      await publisher.publish(filesOf({ 'tsconfig.json': tsconfig, 'main.ts': shadowing }));
      const prepared = await service.prepare({ entry: { kind: 'module', path: 'main.ts' } });
      return (await runner.run(prepared, rootUrl, packagesDir)).value;
    };
    expect(await run('{}')).toBe('gone');
    expect(await run('{ "compilerOptions": { "useDefineForClassFields": false } }')).toBe('base');
    expect(await run('{}')).toBe('gone');
    // Also of code that is sent along, and by a file that it extends.
    const inline = async (base: string): Promise<unknown> => {
      const extending = { 'tsconfig.json': '{ "extends": "./base.json" }', 'base.json': base };
      const modules = { 'a/x.ts': `export default 'a'`, 'b/x.ts': `export default 'b'` };
      await publisher.publish(filesOf({ ...extending, ...modules }));
      const entry = { kind: 'inline', code: `import x from '@/x'; export default x` } as const;
      return (await runner.run(await service.prepare({ entry }), rootUrl, packagesDir)).value;
    };
    expect(await inline('{ "compilerOptions": { "paths": { "@/*": ["a/*"] } } }')).toBe('a');
    expect(await inline('{ "compilerOptions": { "paths": { "@/*": ["b/*"] } } }')).toBe('b');
  });

  it('is obeyed as tsc writes it', async () => {
    const folder = await generated('tsc', ['--init']);
    const files = {
      'tsconfig.json': await readFile(join(folder, 'tsconfig.json'), 'utf8'),
      'lib/a.ts': 'export interface A { a: number } export const a: A = { a: 1 };',
      'main.ts': `import { a, type A } from './lib/a.js'; export default (a satisfies A).a;`,
    };
    expect(await runModule(files, 'main.ts')).toMatchObject({ value: 1 });
    const unmarked = { ...files, 'main.ts': `import { a, A } from './lib/a.js'; export default a as A;` };
    // verbatimModuleSyntax, which it has: a type has to be marked as one.
    expect((await runModule(unmarked, 'main.ts')).error?.message).toContain(`export named 'A'`);
  });

  it('has a workspace of nest new run, its providers found by their types', async () => {
    const folder = await generated('nest', [
      'new',
      'app',
      '--skip-install',
      '--skip-git',
      '--package-manager',
      'npm',
    ]);
    const { files } = await readFolder(join(folder, 'app'));
    const sources = new Map([...files].map(([path, { source }]) => [path, source]));
    sources.set(
      'src/job.ts',
      `import 'reflect-metadata';
       import { NestFactory } from '@nestjs/core';
       import { AppModule } from './app.module.js';
       import { AppController } from './app.controller.js';
       const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
       export default app.get(AppController).getHello();`,
    );
    const { publisher, service, rootUrl } = open();
    await publisher.publish(sources);
    const refs = [...sources].map(([path, source]) => ({ path, hash: sha256(source) }));
    expect(await service.checkStored(refs, new Map(refs.map(({ path, hash }) => [path, hash])))).toEqual([]);
    const prepared = await service.prepare({ entry: { kind: 'module', path: 'src/job.ts' } });
    expect(await runner.run(prepared, rootUrl, process.cwd())).toMatchObject({ value: 'Hello World!' });
  });

  it('is stored whatever it is, as other JSON that no code imports', async () => {
    const files = {
      'tsconfig.json': '{ // no',
      'data/bom.json': '\ufeff{"a":1}',
      'main.ts': `import bom from './data/bom.json'; export default bom.a`,
    };
    expect(await runModule(files, 'main.ts')).toMatchObject({ value: 1 });
  });
});
