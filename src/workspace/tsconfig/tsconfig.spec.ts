import { describe, expect, it } from '@jest/globals';
import { parseTsconfig, readOptions } from './tsconfig.js';

const optionsOf = (files: Readonly<Record<string, string>>) =>
  readOptions({
    find: async (paths) => paths.filter((path) => path in files).map((path) => ({ path }))[0] ?? null,
    read: async ({ path }) => parseTsconfig(files[path] as string),
  });

async function used(files: Readonly<Record<string, string>>): Promise<unknown> {
  const { json } = await optionsOf(files);
  return json === '' ? null : (JSON.parse(json) as { compilerOptions: unknown }).compilerOptions;
}

const config = (compilerOptions: unknown, parents?: unknown): string =>
  JSON.stringify({ extends: parents, compilerOptions });

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
    ['null', null],
    ['{}', null],
    ['{ "compilerOptions": 3, "extends": 4 }', null],
  ])('of %j', async (text, options) => {
    expect(await used({ 'tsconfig.json': text })).toEqual(options);
  });

  it('are the same by whatever else the file says, and none without one', async () => {
    const a = await optionsOf({ 'tsconfig.json': config({ experimentalDecorators: true }) });
    const b = await optionsOf({ 'tsconfig.json': config({ noEmit: true, experimentalDecorators: true }) });
    expect(a.json).toBe(b.json);
    expect((await optionsOf({})).json).toBe('');
  });
});

describe('a tsconfig.json that extends others', () => {
  const base = config({ experimentalDecorators: true, alwaysStrict: true });

  it.each<[string, Record<string, string>, unknown]>([
    ['a file beside it', { 'base.json': base }, { experimentalDecorators: true, alwaysStrict: false }],
    ['nothing that is there', {}, { alwaysStrict: false }],
  ])('has the options of %s, its own before them', async (_what, files, options) => {
    for (const name of ['./base.json', './base', ['./base']]) {
      const own = config({ alwaysStrict: false }, name);
      expect(await used({ 'tsconfig.json': own, ...files })).toEqual(options);
    }
  });

  it('takes the later of several, and what each extends from its own folder', async () => {
    const files = {
      'tsconfig.json': config({}, ['./a/one.json', './two.json']),
      'a/one.json': config({ alwaysStrict: true }, './deep.json'),
      'a/deep.json': config({ experimentalDecorators: true }),
      'two.json': config({ alwaysStrict: false }),
    };
    expect(await used(files)).toEqual({ experimentalDecorators: true, alwaysStrict: false });
  });

  it('has nothing of a package, of what lies outside, or of a circle beyond its first round', async () => {
    expect(
      await used({
        'tsconfig.json': config({ alwaysStrict: true }, ['@tsconfig/node26', '../../out', './a']),
        'a.json': config({}, './tsconfig'),
      }),
    ).toEqual({ alwaysStrict: true });
  });
});

describe('paths and baseUrl', () => {
  const targets = async (options: unknown, specifier: string): Promise<string[]> =>
    (await optionsOf({ 'tsconfig.json': config(options) })).mapping.targets(specifier);

  it.each<[string, unknown, string, string[]]>([
    ['a pattern', { paths: { '@/*': ['./src/*'] } }, '@/a/b.js', ['src/a/b.js']],
    ['another name', { paths: { '@/*': ['./src/*'] } }, '@x/a', []],
    ['several substitutions', { paths: { 'lib/*': ['a/*', 'b/*'] } }, 'lib/x', ['a/x', 'b/x']],
    ['a whole name', { paths: { '@app': ['src/app.ts'], '@app*': ['no'] } }, '@app', ['src/app.ts']],
    [
      'the longest beginning',
      { paths: { '*': ['x/*'], '~/a/*': ['y/*'], '~/*': ['z/*'] } },
      '~/a/b',
      ['y/b'],
    ],
    ['an end', { paths: { '*.model': ['models/*.ts'] } }, 'user.model', ['models/user.ts']],
    ['a name with $&', { paths: { '@/*': ['src/*'] } }, '@/$&', ['src/$&']],
    ['an internal name', { paths: { '#/*': ['./src/*'] }, baseUrl: '.' }, '#/a', ['src/a']],
    ['a base', { baseUrl: './src' }, 'a/b', ['src/a/b']],
    ['both', { baseUrl: 'src', paths: { '@/*': ['lib/*'] } }, '@/a', ['src/lib/a', 'src/@/a']],
    ['what leaves the workspace', { paths: { '@/*': ['../*', './in/*'] } }, '@/a', ['in/a']],
    ['what is no mapping', { paths: { '@/*': 'src/*', '**': ['a'], b: [3] }, baseUrl: 4 }, 'b', []],
    ['no mapping at all', {}, '@/a', []],
  ])('lead by %s', async (_what, options, specifier, expected) => {
    expect(await targets(options, specifier)).toEqual(expected);
  });

  it('are relative to the file that names them', async () => {
    const { mapping } = await optionsOf({
      'tsconfig.json': config({}, './config/base.json'),
      'config/base.json': config({ paths: { '@/*': ['../src/*'] } }),
    });
    expect(mapping.targets('@/a')).toEqual(['src/a']);
  });
});
