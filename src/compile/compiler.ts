import { Inject, Injectable } from '@nestjs/common';
import { createRequire } from 'node:module';
import { InjectSettings } from '../config/config.module.js';
import { type CompilerSettings, compilerSettings } from '../config/slices.js';
import { ByteLru } from '../lib/byte-lru.js';
import { sha256 } from '../lib/sha256.js';
import { CompileClock } from './compile-clock.js';
import { CompileError, CompileLimitError } from './compile-error.js';
import { outputLimitChars, SOURCE_LIMIT_BYTES, SPECIFIERS_LIMIT } from './compile-limits.js';
import type { CompiledModule } from './compiled-module.js';
import { CompilerPool } from './compiler-pool.js';
import type { CompilerReply } from './protocol.js';
import type { SourcePosition, TextPosition } from '../boundary/text-position.js';
import { RefusedSources } from './refused-sources.js';

/** URL of the workspace folder, with a slash at its end; injected. */
export const WORKSPACE_ROOT_URL = Symbol('WorkspaceRootUrl');

/** Raise it whenever the same source would come out differently; compiled code is shared between workers. */
const REVISION = 4;
const require = createRequire(import.meta.url);
const [version, swcVersion] = ['esbuild', '@swc/core'].map(
  (name) => (require(`${name}/package.json`) as { version: string }).version,
);
const CACHE_BYTES = 64 * 1024 * 1024;
/** Places are for messages: no execution waits longer for them. */
const LOCATE_TIMEOUT_MS = 2_000;

/** What to compile, and on whose behalf. */
export interface CompileOptions {
  /** It is a script whose top-level variables are shown. */
  probe?: boolean;
  /** A tsconfig with the options that are obeyed, as JSON text; '' or absent: those of TypeScript. */
  tsconfig?: string;
  /** The execution that is charged with the time; absent: none. */
  clock?: CompileClock;
}

type KeyOptions = Pick<CompileOptions, 'probe' | 'tsconfig'>;

/** One source to compile, and how. */
interface Source extends Required<KeyOptions> {
  path: string;
  source: string;
}

/** A source that is being compiled, and how many wait for it. */
interface Running {
  result: Promise<CompiledModule>;
  waiting: number;
  controller: AbortController;
}

/**
 * Turns TypeScript, JavaScript and JSON into what the runner loads, in confined processes. Results are
 * kept by what they were made from, and so are refusals for some minutes; the same source asked for
 * twice at once is compiled once.
 */
@Injectable()
export class Compiler {
  private readonly cache = new ByteLru<CompiledModule>(CACHE_BYTES);
  private readonly refused = new RefusedSources();
  private readonly running = new Map<string, Running>();

  constructor(
    private readonly pool: CompilerPool,
    @Inject(WORKSPACE_ROOT_URL) private readonly rootUrl: string,
    @InjectSettings(compilerSettings) private readonly settings: CompilerSettings,
  ) {}

  /** Names what comes out of {@link compile}: equal keys mean equal results, in every worker. */
  key(path: string, sourceSha256: string, { probe = false, tsconfig = '' }: KeyOptions = {}): string {
    return sha256(
      `${REVISION}\0${version}\0${swcVersion}\0${this.rootUrl}\0${path}\0${sourceSha256}\0${probe}\0${tsconfig}`,
    );
  }

  /**
   * Compiles one module. Stack traces of the result show `<root>/<path>` with line and column of `source`.
   * @param path within the workspace; its extension decides the language
   * @param hash SHA-256 of the source, in hexadecimal
   * @throws {CompileError} with the place, when the source is no TypeScript, JavaScript or JSON
   * @throws {CompileLimitError} when compiling it takes too much time, memory or output
   * @throws {CompileTimeoutError} when the clock's time is used up, or what the clock was stopped with
   * @throws {CompilerUnavailableError} when no compiler can be started
   */
  async compile(
    path: string,
    source: string,
    hash: string,
    { probe = false, tsconfig = '', clock }: CompileOptions = {},
  ): Promise<CompiledModule> {
    const key = this.key(path, hash, { probe, tsconfig });
    const known = this.cache.get(key);
    if (known) return known;
    this.refused.check(key);
    checkSize(path, source);
    const running = this.running.get(key) ?? this.begin(key, { path, source, probe, tsconfig });
    return wait(running, clock ?? new CompileClock(null));
  }

  /** Looks into the cache only. */
  cached(key: string): CompiledModule | undefined {
    return this.cache.get(key);
  }

  /** Puts in what another worker has compiled under the same key. */
  remember(key: string, compiled: CompiledModule): void {
    this.cache.set(key, compiled, compiled.source.length * 2);
  }

  /** Where places of compiled code are in its original source; null for each that is not known. */
  async locate(compiled: string, places: readonly TextPosition[]): Promise<(SourcePosition | null)[]> {
    const none = places.map(() => null);
    if (places.length === 0) return none;
    const found = await this.ask({ op: 'locate', compiled, places });
    return found?.length === places.length ? found : none;
  }

  /** Where the original source names a specifier; null when it is computed, or not known. */
  async locateSpecifier(compiled: string, specifier: string): Promise<SourcePosition | null> {
    return (await this.ask({ op: 'locate-specifier', compiled, specifier }))?.[0] ?? null;
  }

  private async ask(
    request: Parameters<CompilerPool['run']>[0],
  ): Promise<(SourcePosition | null)[] | undefined> {
    const reply = await this.pool.run(request, AbortSignal.timeout(LOCATE_TIMEOUT_MS)).catch(() => undefined);
    return reply?.type === 'located' ? reply.places : undefined;
  }

  private begin(key: string, source: Source): Running {
    const controller = new AbortController();
    const running: Running = {
      waiting: 0,
      controller,
      result: this.compileAnew(source, controller.signal)
        .then((compiled) => {
          this.remember(key, compiled);
          return compiled;
        })
        .catch((error: unknown) => {
          if (error instanceof CompileLimitError) this.refused.add(key, error);
          throw error;
        })
        .finally(() => {
          if (this.running.get(key) === running) this.running.delete(key);
        }),
    };
    running.result.catch(() => undefined);
    controller.signal.addEventListener('abort', () => this.running.delete(key), { once: true });
    this.running.set(key, running);
    return running;
  }

  private async compileAnew(
    { path, source, probe, tsconfig }: Source,
    signal: AbortSignal,
  ): Promise<CompiledModule> {
    const limitChars = outputLimitChars(this.settings, source.length);
    const request = {
      op: 'compile',
      path,
      source,
      rootUrl: this.rootUrl,
      probe,
      tsconfig,
      outputLimitChars: limitChars,
    } as const;
    return moduleOf(await this.pool.run(request, signal), path, limitChars);
  }
}

function moduleOf(reply: CompilerReply, path: string, limitChars: number): CompiledModule {
  switch (reply.type) {
    case 'compiled':
      return withFewImports(reply.module, path);
    case 'invalid':
      throw new CompileError(reply);
    case 'too-large':
      throw new CompileLimitError(
        'output',
        `${path} becomes ${reply.chars} characters of JavaScript, and ${limitChars} are allowed for its size (COMPILE_OUTPUT_LIMIT_BYTES): make it smaller`,
      );
    case 'ready':
    case 'located':
      throw new CompileLimitError('crash', `${path} cannot be compiled: the compiler gave no code`);
  }
}

function withFewImports(module: CompiledModule, path: string): CompiledModule {
  const count = module.specifiers.length;
  if (count <= SPECIFIERS_LIMIT) return module;
  throw new CompileLimitError(
    'imports',
    `${path} names ${count} modules in its imports, and a source may name ${SPECIFIERS_LIMIT}: split it`,
  );
}

function checkSize(path: string, source: string): void {
  const bytes = Buffer.byteLength(source);
  if (bytes <= SOURCE_LIMIT_BYTES) return;
  throw new CompileLimitError(
    'source',
    `${path} has ${bytes} bytes, and a source may have ${SOURCE_LIMIT_BYTES}: split it`,
  );
}

/** Waits for a compile that others may wait for too; when none of them waits any more, it is aborted. */
async function wait(running: Running, clock: CompileClock): Promise<CompiledModule> {
  const { signal } = clock;
  const leave = clock.enter();
  running.waiting += 1;
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([running.result, stopped]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    leave();
    running.waiting -= 1;
    if (running.waiting === 0) running.controller.abort(new Error('no caller waits for it'));
  }
}
