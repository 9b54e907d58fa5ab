import { type ModuleReply, type ModuleRequest, SPECIFIER_LIMIT_CHARS } from '../boundary/module-protocol.js';
import type { ShippedModule } from '../boundary/shipped-module.js';
import type { SourcePosition } from '../boundary/text-position.js';
import { moduleUrl, pathOfUrl } from '../boundary/workspace-url.js';
import { ClosureWalker, type LinkedModule, type SentModules } from './closure.js';
import type { CompileClock } from '../compile/compile-clock.js';
import type { CompiledModule } from '../compile/compiled-module.js';
import type { Compiler } from '../compile/compiler.js';
import { ModuleError, toModuleFailure } from './module-failure.js';
import type { ModuleRef, ModuleSource } from './module-source.js';
import { nearestPaths } from '../lib/text/nearest-paths.js';
import { PathLookup } from './path-lookup.js';
import { entryCandidates, firstExisting, interpret, isMappable, type Meaning } from './resolver.js';
import { PathMapping } from './tsconfig/path-mapping.js';
import { readOptions, type WorkspaceOptions } from './tsconfig/tsconfig.js';
import type { WorkspaceLimits } from './workspace-limits.js';
import type { WorkspaceStore } from './workspace.store.js';

/** What a session works with. */
export interface SessionOptions {
  rootUrl: string;
  store: WorkspaceStore;
  source: ModuleSource;
  /** Every path of a generation. */
  pathsOf(generation: number): Promise<readonly string[]>;
  compiler: Pick<Compiler, 'locateSpecifier'>;
  /** Of the execution. */
  clock: CompileClock;
  limits: WorkspaceLimits;
  /** null: nothing was ever published. */
  generation: number | null;
}

/** Of this many missing modules it is said where they are asked for and what is nearest. */
const EXPLAINED = 20;

/**
 * The modules of one execution: one generation, one set of limits, however many requests. It knows
 * what the runner has already been sent.
 */
export class ModuleSession {
  readonly lookup: PathLookup;
  /** Why an answer could not be found, where that is not the code's fault. */
  fault: Error | null = null;
  private readonly loaded: SentModules = new Map();
  private readonly walker: ClosureWalker;
  private misses = 0;
  private tsconfigOptions: Promise<WorkspaceOptions> | null = null;

  constructor(private readonly options: SessionOptions) {
    this.lookup = new PathLookup(options.store, options.generation);
    this.walker = new ClosureWalker(
      options.rootUrl,
      this.lookup,
      {
        load: async (refs) =>
          options.source.load(refs, { tsconfig: await this.tsconfig(), clock: options.clock }),
        mapping: async () => (await this.tsconfigs()).mapping,
      },
      options.limits,
      (specifier, importer, meaning) => this.explain(specifier, importer.path, importer.compiled, meaning),
    );
  }

  /** The compiler options of the generation, as JSON text; '' where it has none. */
  async tsconfig(): Promise<string> {
    return (await this.tsconfigs()).json;
  }

  private tsconfigs(): Promise<WorkspaceOptions> {
    this.tsconfigOptions ??= readOptions({
      find: async (paths): Promise<ModuleRef | null> => {
        await this.lookup.learn(paths);
        // What is asked of the lookup decides whether a remembered closure is still right.
        const path = firstExisting(paths, this.lookup.has);
        return path === null ? null : { path, hash: this.lookup.hash(path) as string };
      },
      read: (file) => this.options.source.tsconfig(file),
    });
    return this.tsconfigOptions;
  }

  /** Closure of inline code. */
  async startInline(path: string, compiled: CompiledModule): Promise<LinkedModule[]> {
    return this.walker.walk([{ path, compiled }], this.loaded);
  }

  /**
   * Closure of a module of the workspace; the entry comes first.
   * @throws {ModuleError} MODULE_NOT_FOUND with the nearest existing paths, MODULE_LIMIT
   */
  async startModule(path: string): Promise<LinkedModule[]> {
    const candidates = entryCandidates(path);
    await this.lookup.learn(candidates);
    const found = firstExisting(candidates, this.lookup.has);
    if (!found) throw await this.noEntry(path);
    return this.load(found);
  }

  /** Takes over what an earlier execution has collected from the same paths and hashes. */
  resume(modules: readonly LinkedModule[]): void {
    for (const linked of modules) this.loaded.set(linked.path, linked);
  }

  /** Answers a runner that has met an import it was not sent. Never rejects. */
  async answer(request: ModuleRequest): Promise<ModuleReply> {
    try {
      return await this.resolve(request);
    } catch (error) {
      const failure = toModuleFailure(error);
      if (failure.code === 'INTERNAL') this.fault = error as Error;
      return { kind: 'error', error: failure };
    }
  }

  /** The form in which a module goes to a runner. */
  ship({ path, compiled, imports }: LinkedModule): ShippedModule {
    const targets = Object.entries(imports).map(([specifier, target]) => [
      specifier,
      target === null ? null : moduleUrl(this.options.rootUrl, target),
    ]);
    return {
      url: moduleUrl(this.options.rootUrl, path),
      format: compiled.format,
      source: compiled.source,
      imports: Object.fromEntries(targets) as Record<string, string | null>,
    };
  }

  private async load(path: string): Promise<LinkedModule[]> {
    const start = await this.walker.loadAll([{ path, hash: this.lookup.hash(path) as string }]);
    return this.walker.walk(start, this.loaded);
  }

  private async resolve({ specifier, from, missing }: ModuleRequest): Promise<ModuleReply> {
    this.checkMisses();
    const { rootUrl } = this.options;
    const importer = pathOfUrl(rootUrl, from);
    const isMapped = importer !== null && isMappable(specifier);
    const mapping = isMapped ? (await this.tsconfigs()).mapping : PathMapping.NONE;
    const meaning = interpret(specifier, importer ?? '', rootUrl, mapping);
    const ofPackage = importer === null && !specifier.startsWith(rootUrl);
    if (!missing && (ofPackage || meaning.kind === 'builtin')) return { kind: 'package' };
    const candidates = meaning.kind === 'paths' ? meaning.candidates : [];
    await this.lookup.learn(candidates);
    const target = firstExisting(candidates, this.lookup.has);
    if (target === null) {
      this.misses += 1;
      if (meaning.kind === 'paths' && meaning.bare && !missing) return { kind: 'package' };
      const known = importer === null ? undefined : this.loaded.get(importer)?.compiled;
      throw await this.explain(specifier, importer ?? from, known, meaning);
    }
    const added = this.loaded.has(target) ? [] : await this.load(target);
    return {
      kind: 'modules',
      url: moduleUrl(rootUrl, target),
      modules: added.map((linked) => this.ship(linked)),
    };
  }

  /** What is not there is remembered, so that asking for it without end would fill the memory. */
  private checkMisses(): void {
    const { missedModules } = this.options.limits;
    if (this.misses < missedModules) return;
    throw new ModuleError(
      'MODULE_LIMIT',
      `the code asked for ${missedModules} modules that the workspace does not have`,
    );
  }

  private async explain(
    specifier: string,
    importer: string,
    compiled: CompiledModule | undefined,
    meaning: Meaning,
  ): Promise<ModuleError> {
    // Code that goes on asking has read the first explanations.
    const explains = this.misses <= EXPLAINED;
    const place =
      explains && compiled
        ? await this.options.compiler.locateSpecifier(compiled.source, specifier)
        : undefined;
    const where = place ? this.shownPlace(place, importer) : importer;
    const shown = JSON.stringify(specifier.slice(0, SPECIFIER_LIMIT_CHARS));
    if (meaning.kind === 'refused') {
      return new ModuleError(
        'MODULE_NOT_FOUND',
        `The import of ${shown} in ${where} is refused: ${meaning.reason}`,
      );
    }
    const bare = meaning.kind === 'paths' && meaning.bare;
    const neither = bare ? ': neither a workspace module nor a package has this name' : '';
    const wanted = meaning.kind === 'paths' ? (meaning.candidates[0] as string) : specifier;
    return new ModuleError(
      'MODULE_NOT_FOUND',
      `Cannot find ${shown}, imported by ${where}${neither}.${explains ? await this.suggest(wanted) : ''}`,
    );
  }

  /** Code that brings a source map of its own has its places in other files. */
  private shownPlace({ line, column, source }: SourcePosition, importer: string): string {
    const path = source === undefined ? importer : pathOfUrl(this.options.rootUrl, source);
    return path === null ? importer : `${path}:${line + 1}:${column + 1}`;
  }

  private async noEntry(path: string): Promise<ModuleError> {
    const generation = this.lookup.generation;
    const where =
      generation === null
        ? 'nothing has been published to the workspace yet'
        : this.options.store.isLive
          ? 'no stored module has such a path'
          : `generation ${generation} has no such path`;
    return new ModuleError(
      'MODULE_NOT_FOUND',
      `Cannot find the workspace module ${JSON.stringify(path)}: ${where}.${await this.suggest(path)}`,
    );
  }

  private async suggest(wanted: string): Promise<string> {
    const { generation } = this.lookup;
    if (generation === null) return '';
    const nearest = nearestPaths(wanted, await this.options.pathsOf(generation));
    return nearest.length > 0 ? ` Did you mean ${nearest.join(' or ')}?` : '';
  }
}
