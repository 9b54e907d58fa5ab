import { describe, expect, it } from '@jest/globals';
import { workspaceRootUrl } from '../boundary/workspace-url.js';
import { ClosureWalker, type SentModules } from './closure.js';
import type { CompiledModule } from '../compile/compiled-module.js';
import { ModuleError } from './module-failure.js';
import { PathLookup } from './path-lookup.js';
import { PathMapping } from './tsconfig/path-mapping.js';
import { WORKSPACE_LIMITS, type WorkspaceLimits } from './workspace-limits.js';

/** Modules as lists of what they import; "?x" is named by import() only. */
type Graph = Record<string, string[]>;

function compiledOf(imports: string[]): CompiledModule {
  const specifiers = imports.map((name) => name.replace('?', ''));
  const staticImports = imports.filter((name) => !name.startsWith('?'));
  return { format: 'module', source: 'x'.repeat(100), specifiers, staticImports, usesRequire: false };
}

async function walk(graph: Graph, limits: Partial<WorkspaceLimits> = {}) {
  const rounds = { hashes: 0, load: 0 };
  const store = {
    hashes: async (_: number, paths: readonly string[]) => {
      rounds.hashes += 1;
      return paths.map((path) => (graph[path] ? `hash of ${path}` : null));
    },
  };
  const origin = {
    mapping: async () => PathMapping.NONE,
    load: async (refs: readonly { path: string }[]) => {
      if (refs.length > 0) rounds.load += 1;
      return refs.map(({ path }) =>
        path.includes('broken') ? new SyntaxError(path) : compiledOf(graph[path] as string[]),
      );
    },
  };
  const walker = new ClosureWalker(
    workspaceRootUrl(),
    new PathLookup(store, 1),
    origin,
    { ...WORKSPACE_LIMITS, ...limits },
    async (specifier, importer) => new ModuleError('MODULE_NOT_FOUND', `${specifier} in ${importer.path}`),
  );
  const loaded: SentModules = new Map();
  const added = await walker.walk(
    [{ path: 'main.ts', compiled: compiledOf(graph['main.ts'] as string[]) }],
    loaded,
  );
  return { paths: added.map(({ path }) => path), rounds, loaded };
}

describe('ClosureWalker', () => {
  it('takes what is imported, each once, circles included, and nothing else', async () => {
    const graph = {
      'main.ts': ['./a', './b', 'lodash', 'fs'],
      'a.ts': ['./b'],
      'b.ts': ['./main'],
      'c.ts': [],
    };
    const { paths, loaded } = await walk(graph);
    expect(paths).toEqual(['main.ts', 'a.ts', 'b.ts']);
    expect(loaded.get('main.ts')?.imports).toEqual({ './a': 'a.ts', './b': 'b.ts', lodash: null });
  });

  it('needs one look-up and one load a level, however wide', async () => {
    const wide = Array.from({ length: 300 }, (_, index) => `w${index}`);
    const graph: Graph = { 'main.ts': wide.map((name) => `./${name}`), 'end.ts': [] };
    for (const name of wide) graph[`${name}.ts`] = ['./end'];
    const { paths, rounds } = await walk(graph);
    expect(paths).toHaveLength(302);
    expect(rounds).toEqual({ hashes: 2, load: 2 });
  });

  it('sends late imports ahead within bounds, and forgives what is wrong with them', async () => {
    const graph: Graph = {
      'main.ts': ['?./a', '?./missing', '?./broken'],
      'a.ts': ['./b'],
      'b.ts': ['./missing'],
      'broken.ts': [],
    };
    expect((await walk(graph)).paths).toEqual(['main.ts', 'a.ts', 'b.ts']);
    expect((await walk(graph, { optionalModules: 1 })).paths).toEqual(['main.ts', 'a.ts']);
    expect((await walk(graph, { optionalBytes: 50 })).paths).toEqual(['main.ts']);
  });

  it('refuses a static import that is missing, refused or broken', async () => {
    await expect(walk({ 'main.ts': ['./a'], 'a.ts': ['./nix'] })).rejects.toThrow('./nix in a.ts');
    await expect(walk({ 'main.ts': ['../x'] })).rejects.toThrow('../x in main.ts');
    await expect(walk({ 'main.ts': ['./broken'], 'broken.ts': [] })).rejects.toThrow(SyntaxError);
  });

  it.each([
    ['count', { closureModules: 3 }],
    ['size', { closureBytes: 350 }],
    ['depth', { importDepth: 3 }],
  ])('refuses too much: %s', async (_, limits) => {
    const graph = { 'main.ts': ['./a'], 'a.ts': ['./b'], 'b.ts': ['./c'], 'c.ts': [] };
    await expect(walk(graph, limits)).rejects.toMatchObject({ code: 'MODULE_LIMIT' });
    expect((await walk({ ...graph, 'b.ts': [] }, limits)).paths).toHaveLength(3);
  });
});
