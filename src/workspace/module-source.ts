import { Inject, Injectable, Logger } from '@nestjs/common';
import type { CompileClock } from '../compile/compile-clock.js';
import type { CompiledModule } from '../compile/compiled-module.js';
import { Compiler } from '../compile/compiler.js';
import { ModuleError } from './module-failure.js';
import { parseTsconfig, type Tsconfig } from './tsconfig/tsconfig.js';
import { WORKSPACE_LIMITS } from './workspace-limits.js';
import { WorkspaceStore } from './workspace.store.js';

/** One module of a generation: the path that is asked for and the hash that the generation has there. */
export interface ModuleRef {
  path: string;
  hash: string;
}

/** A generation has one, and what that extends. */
const TSCONFIGS_KEPT = 64;

/** How modules of a generation are compiled. */
export interface LoadOptions {
  /** JSON text; '': no options. */
  tsconfig: string;
  clock?: CompileClock;
}

/**
 * Compiled modules by path and hash: from memory, else from what another worker has shared, else
 * compiled here and shared. Nothing in it can become stale: equal hashes are equal sources.
 */
@Injectable()
export class ModuleSource {
  private readonly tsconfigs = new Map<string, Tsconfig>();
  private readonly logger = new Logger(ModuleSource.name);

  constructor(
    @Inject(WorkspaceStore) private readonly store: WorkspaceStore,
    @Inject(Compiler) private readonly compiler: Compiler,
  ) {}

  /** From memory only. */
  cached({ path, hash }: ModuleRef, tsconfig: string): CompiledModule | undefined {
    return this.compiler.cached(this.compiler.key(path, hash, { tsconfig }));
  }

  /** What a tsconfig.json says. */
  async tsconfig(file: ModuleRef): Promise<Tsconfig> {
    const known = this.tsconfigs.get(file.hash);
    if (known) return known;
    const parsed = parseTsconfig((await this.store.sources([file]))[0] as string);
    if (this.tsconfigs.size >= TSCONFIGS_KEPT) this.tsconfigs.clear();
    this.tsconfigs.set(file.hash, parsed);
    return parsed;
  }

  /**
   * Each module, or the error that prevents its use: too large, or no code.
   * @param options of the generation; its clock is that of the execution that it is for; absent: a publish
   * @throws {Error} when Redis does not have what a generation names
   */
  async load(refs: readonly ModuleRef[], options: LoadOptions): Promise<(CompiledModule | Error)[]> {
    const { tsconfig } = options;
    const keys = refs.map(({ path, hash }) => this.compiler.key(path, hash, { tsconfig }));
    const results: (CompiledModule | Error | undefined)[] = keys.map((key) => this.compiler.cached(key));
    const absent = [...keys.keys()].filter((index) => !results[index]);
    if (absent.length === 0) return results as CompiledModule[];
    const shared = await this.store.compiled(absent.map((index) => keys[index] as string));
    for (const [position, index] of absent.entries()) {
      const found = shared[position];
      if (!found) continue;
      this.compiler.remember(keys[index] as string, found);
      results[index] = found;
    }
    const unknown = absent.filter((index) => !results[index]);
    const sources = await this.store.sources(unknown.map((index) => refs[index] as ModuleRef));
    await Promise.all(
      unknown.map(async (index, position) => {
        results[index] = await this.compile(refs[index] as ModuleRef, sources[position] as string, options);
      }),
    );
    return results as (CompiledModule | Error)[];
  }

  private async compile(
    { path, hash }: ModuleRef,
    source: string,
    options: LoadOptions,
  ): Promise<CompiledModule | Error> {
    const bytes = Buffer.byteLength(source);
    if (bytes > WORKSPACE_LIMITS.moduleBytes) {
      return new ModuleError(
        'MODULE_LIMIT',
        `${path} has ${bytes} bytes, and a module may have ${WORKSPACE_LIMITS.moduleBytes}`,
      );
    }
    try {
      const compiled = await this.compiler.compile(path, source, hash, options);
      this.store.shareCompiled(this.compiler.key(path, hash, options), compiled).catch((error: Error) => {
        this.logger.warn(`compiled code of ${path} was not shared: ${error.message}`);
      });
      return compiled;
    } catch (error) {
      return error as Error;
    }
  }
}
