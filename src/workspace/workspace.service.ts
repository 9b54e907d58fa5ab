import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ByteLru } from '../lib/byte-lru.js';
import { batches } from '../lib/in-batches.js';
import { SharedRead } from '../lib/shared-read.js';
import { moduleUrl } from '../boundary/workspace-url.js';
import { CompileClock } from '../compile/compile-clock.js';
import { CompileError, CompileLimitError, type SourceLocation } from '../compile/compile-error.js';
import { type CompiledModule, isModulePath } from '../compile/compiled-module.js';
import { Compiler, WORKSPACE_ROOT_URL } from '../compile/compiler.js';
import type { SourcePosition, TextPosition } from '../boundary/text-position.js';
import type { LinkedModule } from './closure.js';
import { type Entry, entryOf, entryPath, type EntryRef, recipeKey } from './entry.js';
import type { PathMap } from './generation.js';
import { WorkspaceJanitor } from './janitor.js';
import { goneGeneration, ModuleError, toModuleFailure } from './module-failure.js';
import { ModuleSession } from './module-session.js';
import { type ModuleRef, ModuleSource } from './module-source.js';
import { type PreparedCode, ReadyCode, type ReadyModules, ReadyProgram } from './ready-code.js';

export type { PreparedCode };
import { refIn } from './resolver.js';
import { readOptions } from './tsconfig/tsconfig.js';
import { WORKSPACE_LIMITS, type WorkspaceLimits } from './workspace-limits.js';
import { WorkspaceStore } from './workspace.store.js';

export interface PrepareRequest {
  entry: EntryRef;
  /** Generation that an earlier attempt ran against; used while it exists. Default: the current one. */
  generation?: number | null;
  /** Run against `generation` or not at all. */
  only?: boolean;
  /** Time limit of the execution; its generation is kept for that time. */
  timeoutMs?: number;
  /** What the execution's sources take to compile; stopping it gives up what is under way. */
  clock?: CompileClock;
}

/** A source that no execution could import. */
export interface SourceFault {
  path: string;
  /** Says why, with the line of code where the place is known. */
  message: string;
  location: SourceLocation | null;
}

/** A closure collected earlier, and everything it was derived from. */
interface Recipe {
  paths: string[];
  hashes: (string | null)[];
  /** Generation that was last found to have these hashes; it never changes. */
  validFor: number | null;
  modules: { path: string; hash: string | null; imports: LinkedModule['imports'] }[];
}

const RECIPE_CACHE_BYTES = 16 * 1024 * 1024;
/** Of a publish; executions meanwhile wait for no more than these. */
const CHECKED_AT_ONCE = 16;
const DEFAULT_HOLD_MS = 3600_000;
/** Stands for the generation of a workspace that has none; no published one has this number. */
const LIVE = 0;

/**
 * Prepares the code of executions. Which generation is current is asked of Redis each time, so that an
 * execution that is sent after a publish runs the new code. Nothing else that is remembered can be
 * stale: code is kept by hash, and a remembered closure is used only while every path it was derived
 * from has the same hash, which one round trip for each new generation checks.
 */
@Injectable()
export class WorkspaceService implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly recipes = new ByteLru<Recipe>(RECIPE_CACHE_BYTES);
  private readonly ready = new ReadyCode();
  private readonly current = new SharedRead(() => this.store.current());
  /** What was current when it was last asked for. */
  private latest: number | null = null;
  private lastPaths: { generation: number; paths: Promise<readonly string[]> } | null = null;
  private readonly heldUntil = new Map<number, number>();
  private readonly limits: WorkspaceLimits = WORKSPACE_LIMITS;

  constructor(
    @Inject(WorkspaceStore) private readonly store: WorkspaceStore,
    @Inject(ModuleSource) private readonly source: ModuleSource,
    @Inject(Compiler) private readonly compiler: Compiler,
    @Inject(WorkspaceJanitor) private readonly janitor: WorkspaceJanitor,
    @Inject(WORKSPACE_ROOT_URL) readonly rootUrl: string,
  ) {}

  onApplicationBootstrap(): void {
    this.janitor.start();
  }

  onApplicationShutdown(): void {
    this.janitor.stop();
  }

  /** Asks Redis which generation is current; null while nothing was ever published, or where there are none. */
  async currentGeneration(): Promise<number | null> {
    this.latest = await this.current.get();
    return this.latest;
  }

  get hasGenerations(): boolean {
    return !this.store.isLive;
  }

  /** Which generation is current was read with something else. */
  noteCurrent(generation: number | null): void {
    this.latest = generation;
  }

  /**
   * Fixes the generation of an execution and collects the code it imports. Faults of the code come
   * back as `failure`.
   * @throws {CompileTimeoutError} or what the clock was stopped with
   * @throws {CompilerUnavailableError} when no compiler can be started
   * @throws when Redis cannot be read, or has lost a source that a generation names
   */
  async prepare(request: PrepareRequest): Promise<PreparedCode> {
    const { generation: pinned, only, timeoutMs, clock = new CompileClock(null) } = request;
    const generation = await this.pin(pinned ?? null, timeoutMs);
    if (only && generation !== pinned) return { ok: false, ...goneGeneration(pinned) };
    const shown = generation === LIVE ? null : generation;
    let session: ModuleSession | null = null;
    const open = (): ModuleSession => (session ??= this.openSession(generation, clock));
    try {
      const entry = await entryOf(request.entry);
      const known = shown === null ? undefined : this.ready.find(entry, shown);
      const ready = known ?? (await this.link(entry, shown, open, clock));
      return new ReadyProgram(shown, ready, session, open);
    } catch (error) {
      const failure = toModuleFailure(error);
      if (failure.code === 'INTERNAL') throw error;
      return { ok: false, generation: shown, failure };
    }
  }

  private openSession(generation: number | null, clock: CompileClock): ModuleSession {
    const { rootUrl, store, source, compiler, limits } = this;
    const pathsOf = (of: number): Promise<readonly string[]> => this.pathsOf(of);
    return new ModuleSession({ rootUrl, store, source, pathsOf, compiler, clock, limits, generation });
  }

  private async link(
    entry: Entry,
    generation: number | null,
    open: () => ModuleSession,
    clock: CompileClock,
  ): Promise<ReadyModules> {
    const session = open();
    const linked = (await this.reuse(entry, session)) ?? (await this.collect(entry, session, clock));
    const entryUrl = moduleUrl(this.rootUrl, (linked[0] as LinkedModule).path);
    const ready = { entryUrl, modules: linked.map((module) => session.ship(module)), linked };
    if (generation !== null) this.ready.keep(entry, generation, ready);
    return ready;
  }

  /**
   * Compiles what could be imported and returns what is wrong with it, so that a publish can be refused
   * before it begins. Redis must have the sources. Compiled code is shared: executions find it ready.
   * @param map of the generation, which has the compiler options
   * @throws {Error} when Redis has lost one
   */
  async checkStored(refs: readonly ModuleRef[], map: PathMap): Promise<SourceFault[]> {
    const faults: SourceFault[] = [];
    const { json: tsconfig } = await readOptions({
      find: (paths) => Promise.resolve(refIn(map, paths)),
      read: (file) => this.source.tsconfig(file),
    });
    // JSON that no code imports is only stored; tsconfig.json and others are none that Node would take.
    const code = refs.filter(({ path }) => isModulePath(path) && !/\.json$/i.test(path));
    for (const batch of batches(code, CHECKED_AT_ONCE)) {
      for (const [index, error] of (await this.source.load(batch, { tsconfig })).entries()) {
        if (!(error instanceof Error)) continue;
        const ofSource = error instanceof CompileError || error instanceof CompileLimitError;
        if (!ofSource && !(error instanceof ModuleError)) throw error;
        const location = error instanceof CompileError ? error.location : null;
        faults.push({ path: (batch[index] as ModuleRef).path, message: error.message, location });
      }
    }
    return faults;
  }

  /** Where places of code that was shipped are in what its author wrote; null for each that is not known. */
  locate(source: string, places: readonly TextPosition[]): Promise<(SourcePosition | null)[]> {
    return this.compiler.locate(source, places);
  }

  /** A generation never changes: the paths of the last one that was asked for are kept. */
  private async pathsOf(generation: number): Promise<readonly string[]> {
    if (this.lastPaths?.generation !== generation || this.store.isLive) {
      const paths = this.store.paths(generation).then((map) => [...map.keys()]);
      this.lastPaths = { generation, paths };
      paths.catch(() => (this.lastPaths = null));
    }
    return this.lastPaths.paths;
  }

  private async pin(pinned: number | null, timeoutMs = DEFAULT_HOLD_MS): Promise<number | null> {
    if (this.store.isLive) return LIVE;
    if (pinned !== null) {
      await this.hold(pinned, timeoutMs);
      // The current one is never removed.
      if (pinned === this.latest || (await this.store.exists(pinned))) return pinned;
    }
    const current = await this.currentGeneration();
    if (current !== null) await this.hold(current, timeoutMs);
    return current;
  }

  /** Notes in Redis that the generation is needed; rarely, since one note covers the executions after it. */
  private async hold(generation: number, timeoutMs: number): Promise<void> {
    const now = Date.now();
    if ((this.heldUntil.get(generation) ?? 0) >= now + timeoutMs) return;
    const until = now + timeoutMs + DEFAULT_HOLD_MS;
    await this.store.holdUntil(generation, until);
    this.heldUntil.set(generation, until);
    for (const [other, end] of this.heldUntil) if (end < now) this.heldUntil.delete(other);
  }

  private async collect(entry: Entry, session: ModuleSession, clock: CompileClock): Promise<LinkedModule[]> {
    const linked =
      entry.kind === 'inline'
        ? await session.startInline(entry.path, await this.compileInline(entry, clock))
        : await session.startModule(entryPath(entry.path));
    const known = session.lookup.decisive();
    const recipe: Recipe = {
      paths: [...known.keys()],
      hashes: [...known.values()],
      validFor: session.lookup.generation,
      modules: linked.map(({ path, imports }, index) => {
        // Inline code may have the name of a stored module, and is not that.
        const isInline = entry.kind === 'inline' && index === 0;
        return { path, imports, hash: isInline ? null : session.lookup.hash(path) };
      }),
    };
    this.recipes.set(recipeKey(entry), recipe, sizeOf(recipe));
    return linked;
  }

  private compileInline(
    { code, hash, path, probe }: Extract<Entry, { kind: 'inline' }>,
    clock: CompileClock,
  ): Promise<CompiledModule> {
    return this.compiler.compile(path, code, hash, { probe, clock });
  }

  /** The closure as collected before, if the generation has the same at every path that mattered. */
  private async reuse(entry: Entry, session: ModuleSession): Promise<LinkedModule[] | null> {
    const recipe = this.recipes.get(recipeKey(entry));
    if (!recipe) return null;
    const isValid = recipe.validFor === session.lookup.generation && !this.store.isLive;
    if (isValid) session.lookup.recall(recipe.paths, recipe.hashes);
    else await session.lookup.learn(recipe.paths);
    if (recipe.paths.some((path, index) => session.lookup.hash(path) !== recipe.hashes[index])) return null;
    recipe.validFor = session.lookup.generation;
    const tsconfig = recipe.modules.some((module) => module.hash !== null) ? await session.tsconfig() : '';
    const linked: LinkedModule[] = [];
    for (const [index, { path, hash, imports }] of recipe.modules.entries()) {
      const compiled =
        // Also where the workspace has a module of the same path.
        index === 0 && entry.kind === 'inline'
          ? this.compiler.cached(this.compiler.key(path, entry.hash, entry))
          : this.source.cached({ path, hash: hash ?? '' }, tsconfig);
      if (!compiled) return null;
      linked.push({ path, compiled, imports });
    }
    session.resume(linked);
    return linked;
  }
}

const sizeOf = (recipe: Recipe): number => 2 * JSON.stringify(recipe).length;
