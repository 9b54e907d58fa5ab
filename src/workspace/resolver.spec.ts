import { describe, expect, it } from '@jest/globals';
import { workspaceRootUrl } from '../boundary/workspace-url.js';
import { entryCandidates, firstExisting, interpret } from './resolver.js';

const ROOT = workspaceRootUrl();
const existing = new Set([
  'a.ts',
  'a.js',
  'b.ts',
  'c.tsx',
  'd/index.ts',
  'd.ts',
  'e/index.json',
  'index.ts',
  'm.mts',
]);

function resolve(specifier: string, from = 'flows/x/main.ts'): string | null | undefined {
  const meaning = interpret(specifier, from, ROOT);
  if (meaning.kind !== 'paths') return undefined;
  return firstExisting(meaning.candidates, (path) => existing.has(path));
}

describe('interpret', () => {
  it.each([
    ['../../a', 'a.ts'],
    ['../../a.js', 'a.js'],
    ['../../b.js', 'b.ts'],
    ['../../c.js', 'c.tsx'],
    ['../../m.mjs', 'm.mts'],
    ['../../d', 'd.ts'],
    ['../../d/', 'd/index.ts'],
    ['../../e', 'e/index.json'],
    ['../..', 'index.ts'],
    ['../../', 'index.ts'],
    ['a', 'a.ts'],
    ['d/index', 'd/index.ts'],
    [`${ROOT}a.ts`, 'a.ts'],
    ['./a', null],
    ['nothing/here', null],
  ])('finds %s', (specifier, path) => {
    expect(resolve(specifier)).toBe(path);
  });

  it.each(['fs', 'node:fs', 'fs/promises', 'node:test', 'node:nothing'])('leaves %s to Node', (specifier) => {
    expect(interpret(specifier, 'a.ts', ROOT)).toEqual({ kind: 'builtin' });
  });

  it.each([
    '',
    '../../../x',
    '../../../../tmp/bifrost/workspace/a.ts',
    'file:///etc/passwd',
    'file:///tmp/bifrost/workspace-other/a.ts',
    'file:///tmp/bifrost/workspace/%2e%2e/secret',
    'FILE:///etc/passwd',
    'data:text/javascript,1',
    'http://x/y.js',
    'https://x/y.js',
    'blob:x',
    'npm:lodash',
    'c:/x.js',
    '/etc/passwd',
    '//x/y',
    '#internal',
    String.raw`a\b`,
    'x'.repeat(3_000),
  ])('refuses %j', (specifier) => {
    expect(interpret(specifier, 'flows/x/main.ts', ROOT)).toMatchObject({ kind: 'refused' });
  });

  it('takes only bare names for packages', () => {
    expect(interpret('lodash', 'a.ts', ROOT)).toMatchObject({ bare: true });
    expect(interpret('@scope/kit/sub', 'a.ts', ROOT)).toMatchObject({ bare: true });
    expect(interpret('./lodash', 'a.ts', ROOT)).toMatchObject({ bare: false });
  });
});

describe('entryCandidates', () => {
  it('takes the exact path first', () => {
    expect(entryCandidates('flows/x.ts')[0]).toBe('flows/x.ts');
    expect(entryCandidates('flows/x')).toContain('flows/x/index.ts');
  });
});
