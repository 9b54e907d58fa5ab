import type { CompiledModule } from '../compile/compiled-module.js';
import { ModuleError } from './module-failure.js';
import type { ModuleRef } from './module-source.js';
import type { PathLookup } from './path-lookup.js';
import { firstExisting, interpret, isMappable, type Meaning } from './resolver.js';
import { PathMapping } from './tsconfig/path-mapping.js';
import type { WorkspaceLimits } from './workspace-limits.js';

/** A module of a closure, and what its specifiers mean: a path of the workspace, or null for a package. */
export interface LinkedModule {
  path: string;
  compiled: CompiledModule;
  imports: Readonly<Record<string, string | null>>;
}

/** Says why `specifier` cannot be imported by the module `importer`. */
export type Explain = (specifier: string, importer: LinkedModule, meaning: Meaning) => Promise<ModuleError>;

/** What one execution has been sent so far, by path. */
export type SentModules = Map<string, LinkedModule>;

/** Where modules come from, and what the tsconfig.json of their generation says of names. */
export interface ModuleOrigin {
  load(refs: readonly ModuleRef[]): Promise<(CompiledModule | Error)[]>;
  mapping(): Promise<PathMapping>;
}

interface ImportRefs {
  required: ModuleRef[];
  optional: ModuleRef[];
}

/**
 * Collects what an execution needs, one level of imports after the other, so that a level costs two
 * round trips to Redis however many modules it has. First everything that is imported statically:
 * without it nothing runs. Then, within bounds, what only `import()` and `require()` name.
 */
export class ClosureWalker {
  constructor(
    private readonly rootUrl: string,
    private readonly lookup: PathLookup,
    private readonly origin: ModuleOrigin,
    private readonly limits: WorkspaceLimits,
    private readonly explain: Explain,
  ) {}

  /**
   * Adds `start` and what it imports to `loaded`, and returns what was added.
   * @throws {ModuleError} MODULE_NOT_FOUND, MODULE_LIMIT
   * @throws {CompileError} when something imported statically is no code
   */
  async walk(
    start: { path: string; compiled: CompiledModule }[],
    loaded: SentModules,
  ): Promise<LinkedModule[]> {
    const added: LinkedModule[] = [];
    const optional: ModuleRef[] = [];
    let level = start;
    for (let depth = 1; level.length > 0; depth += 1) {
      this.checkDepth(depth, level);
      const found = await this.link(level, loaded, added, true);
      optional.push(...found.optional);
      this.checkSize(loaded, found.required.length);
      level = await this.loadAll(found.required);
    }
    await this.addOptional(optional, loaded, added);
    return added;
  }

  /** Loads modules that must be there. */
  async loadAll(refs: readonly ModuleRef[]): Promise<{ path: string; compiled: CompiledModule }[]> {
    const results = await this.origin.load(refs);
    return results.map((compiled, index) => {
      if (compiled instanceof Error) throw compiled;
      return { path: (refs[index] as ModuleRef).path, compiled };
    });
  }

  private async addOptional(first: ModuleRef[], loaded: SentModules, added: LinkedModule[]): Promise<void> {
    const most = Math.min(this.limits.closureModules, loaded.size + this.limits.optionalModules);
    let wanted = first;
    while (wanted.length > 0) {
      const refs = unique(wanted, loaded).slice(0, most - loaded.size);
      if (refs.length === 0 || sizeOf(added) > this.limits.optionalBytes) return;
      const results = await this.origin.load(refs);
      // A module that cannot be loaded fails the code that really asks for it.
      const level = results.flatMap((compiled, index) =>
        compiled instanceof Error ? [] : [{ path: (refs[index] as ModuleRef).path, compiled }],
      );
      const found = await this.link(level, loaded, added, false);
      wanted = [...found.required, ...found.optional];
    }
  }

  /** Says what the imports of these modules mean and adds the modules; returns what they need next. */
  private async link(
    modules: readonly { path: string; compiled: CompiledModule }[],
    loaded: SentModules,
    added: LinkedModule[],
    strict: boolean,
  ): Promise<ImportRefs> {
    const asksTsconfig = modules.some(({ compiled }) => compiled.specifiers.some(isMappable));
    const mapping = asksTsconfig ? await this.origin.mapping() : PathMapping.NONE;
    const meanings = modules.map(({ path, compiled }) =>
      compiled.specifiers.map((specifier) => ({
        specifier,
        meaning: interpret(specifier, path, this.rootUrl, mapping),
      })),
    );
    await this.lookup.learn(
      meanings.flat().flatMap(({ meaning }) => (meaning.kind === 'paths' ? meaning.candidates : [])),
    );
    const found: ImportRefs = { required: [], optional: [] };
    for (const [index, { path, compiled }] of modules.entries()) {
      const imports: Record<string, string | null> = {};
      const linked: LinkedModule = { path, compiled, imports };
      const needed = new Set(compiled.staticImports);
      for (const { specifier, meaning } of meanings[index] as (typeof meanings)[number]) {
        const target = this.targetOf(meaning);
        if (target !== undefined) imports[specifier] = target;
        const list = needed.has(specifier) ? found.required : found.optional;
        if (target) list.push({ path: target, hash: this.lookup.hash(target) as string });
        else if (target === undefined && meaning.kind !== 'builtin' && strict && needed.has(specifier)) {
          throw await this.explain(specifier, linked, meaning);
        }
      }
      loaded.set(path, linked);
      added.push(linked);
    }
    return { required: unique(found.required, loaded), optional: unique(found.optional, loaded) };
  }

  /** Path, null for a package, undefined when it is neither. */
  private targetOf(meaning: Meaning): string | null | undefined {
    if (meaning.kind !== 'paths') return undefined;
    return firstExisting(meaning.candidates, this.lookup.has) ?? (meaning.bare ? null : undefined);
  }

  private checkDepth(depth: number, level: readonly { path: string }[]): void {
    if (depth <= this.limits.importDepth) return;
    throw new ModuleError(
      'MODULE_LIMIT',
      `${level[0]?.path} lies more than ${this.limits.importDepth} imports deep`,
    );
  }

  private checkSize(loaded: SentModules, more: number): void {
    const { closureModules, closureBytes } = this.limits;
    if (loaded.size + more > closureModules) {
      throw new ModuleError('MODULE_LIMIT', `the code imports more than ${closureModules} modules`);
    }
    const bytes = sizeOf(loaded.values());
    if (bytes > closureBytes) {
      throw new ModuleError(
        'MODULE_LIMIT',
        `the imported modules have ${bytes} bytes when compiled, more than ${closureBytes}`,
      );
    }
  }
}

const sizeOf = (modules: Iterable<LinkedModule>): number => {
  let bytes = 0;
  for (const { compiled } of modules) bytes += compiled.source.length;
  return bytes;
};

function unique(refs: readonly ModuleRef[], loaded: SentModules): ModuleRef[] {
  const byPath = new Map(refs.map((ref) => [ref.path, ref]));
  return [...byPath.values()].filter(({ path }) => !loaded.has(path));
}
