import { build, type BuildResult, type Loader, type Message, stop, version } from 'esbuild';
import { REQUIRE_SPECIFIER } from '../contract/module-protocol.js';
import type { SourceFormat } from '../contract/runner-protocol.js';
import { ByteLru } from '../lib/byte-lru.js';
import { sha256 } from '../lib/sha256.js';
import { moduleUrl, workspaceRootUrl } from '../lib/workspace-url.js';
import { CompileError } from './compile-error.js';
import {
  type CompiledModule,
  looksLikeCommonJs,
  mayCallRequire,
  REQUIRE_NAME,
  requiredSpecifiers,
} from './compiled-source.js';

export { CompileError } from './compile-error.js';
export type { CompiledModule } from './compiled-source.js';

/** Raise it whenever the same source would come out differently; compiled code is shared between workers. */
const REVISION = 1;
const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024;
const TARGET = 'node26';

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
};

/** Extensions of what can be imported. */
export const MODULE_EXTENSIONS = [...Object.keys(LOADERS), '.json'] as const;

/** Whether a file of this name can be imported; any other is only stored. */
export const isModulePath = (path: string): boolean =>
  (MODULE_EXTENSIONS as readonly string[]).includes(extensionOf(path));

const extensionOf = (path: string): string => /\.[^./]+$/.exec(path)?.[0].toLowerCase() ?? '';

/**
 * Turns TypeScript, JavaScript and JSON into what the runner loads. The work is done by esbuild in
 * a process of its own, off the event loop. Results are kept up to `cacheBytes`, by what they were
 * made from; the same source asked for twice at once is compiled once.
 */
export class Compiler {
  private readonly cache: ByteLru<CompiledModule>;
  private readonly running = new Map<string, Promise<CompiledModule>>();

  constructor(
    private readonly rootUrl: string = workspaceRootUrl(),
    cacheBytes: number = DEFAULT_CACHE_BYTES,
  ) {
    this.cache = new ByteLru(cacheBytes);
  }

  /** Names what comes out of {@link compile}: equal keys mean equal results, in every worker. */
  key(path: string, sourceSha256: string): string {
    return sha256(`${REVISION}\0${version}\0${this.rootUrl}\0${path}\0${sourceSha256}`);
  }

  /**
   * Compiles one module. Stack traces of the result show `<root>/<path>` with line and column of `source`.
   * @param path within the workspace; its extension decides the language. TypeScript that only parses
   *   as JavaScript is taken as JavaScript.
   * @throws {CompileError} with the place, when the source is no TypeScript, JavaScript or JSON.
   */
  async compile(path: string, source: string): Promise<CompiledModule> {
    const key = this.key(path, sha256(source));
    const known = this.cache.get(key) ?? this.running.get(key);
    if (known) return known;
    const running = this.compileAnew(path, source).finally(() => this.running.delete(key));
    this.running.set(key, running);
    const compiled = await running;
    this.remember(key, compiled);
    return compiled;
  }

  /** Looks into the cache only. */
  cached(key: string): CompiledModule | undefined {
    return this.cache.get(key);
  }

  /** Puts in what another worker has compiled under the same key. */
  remember(key: string, compiled: CompiledModule): void {
    this.cache.set(key, compiled, compiled.source.length * 2);
  }

  /** Ends esbuild's process, for the whole of this process; a later compile starts it again. Safe to call twice. */
  async stop(): Promise<void> {
    await Promise.allSettled(this.running.values());
    this.cache.clear();
    await stop();
  }

  private async compileAnew(path: string, source: string): Promise<CompiledModule> {
    const extension = extensionOf(path);
    if (extension === '.json') return checkedJson(path, source);
    const loader = LOADERS[extension];
    if (!loader) {
      throw new CompileError(
        `${path} cannot be imported: only ${MODULE_EXTENSIONS.join(', ')} are modules`,
        null,
      );
    }
    const output = await this.transform(path, source, loader);
    const format = formatOf(extension, output);
    if (format === 'module' && mayCallRequire(output.code)) {
      const bound = await this.transform(path, source, output.loader, { require: REQUIRE_NAME });
      if (bound.code.includes(REQUIRE_NAME)) return this.finish(path, bound, format, true);
    }
    return this.finish(path, output, format, false);
  }

  private async transform(
    path: string,
    source: string,
    loader: Loader,
    define: Record<string, string> = {},
  ): Promise<Output> {
    try {
      return await runEsbuild(path, source, loader, define);
    } catch (error) {
      const plain = loader === 'ts' ? 'js' : loader === 'tsx' ? 'jsx' : undefined;
      const retried = plain && (await runEsbuild(path, source, plain, define).catch(() => undefined));
      if (retried) return retried;
      throw toCompileError(error, path);
    }
  }

  private finish(path: string, output: Output, format: SourceFormat, usesRequire: boolean): CompiledModule {
    const map = JSON.parse(output.map) as { sources: string[] };
    map.sources = [moduleUrl(this.rootUrl, path)];
    const inline = Buffer.from(JSON.stringify(map)).toString('base64');
    // Behind the code: nothing before it moves, and an import is bound before the module's body runs.
    const binding = usesRequire ? `import { require as ${REQUIRE_NAME} } from '${REQUIRE_SPECIFIER}';\n` : '';
    return {
      format,
      source: `${output.code}${binding}//# sourceMappingURL=data:application/json;base64,${inline}\n`,
      specifiers: [
        ...new Set([...output.imports.map(({ path }) => path), ...requiredSpecifiers(output.code)]),
      ],
      staticImports: output.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
      usesRequire,
    };
  }
}

interface Output {
  code: string;
  map: string;
  loader: Loader;
  /** What esbuild found by the syntax; undefined where there is neither. */
  format: 'esm' | 'cjs' | undefined;
  imports: { path: string; kind: string }[];
}

async function runEsbuild(
  path: string,
  source: string,
  loader: Loader,
  define: Record<string, string>,
): Promise<Output> {
  const result = await build({
    stdin: { contents: source, sourcefile: path, loader },
    outfile: 'out.js',
    write: false,
    bundle: false,
    metafile: true,
    sourcemap: 'external',
    sourcesContent: false,
    target: TARGET,
    platform: 'node',
    charset: 'utf8',
    jsx: 'automatic',
    logLevel: 'silent',
    // An object, so that no tsconfig.json from the disk of the worker has a say.
    tsconfigRaw: {},
    define,
    ...(/\.cts$/i.test(path) ? { format: 'cjs' as const } : {}),
  });
  return readOutput(result, loader);
}

function readOutput(result: BuildResult<{ write: false; metafile: true }>, loader: Loader): Output {
  const text = (suffix: string): string =>
    result.outputFiles.find((file) => file.path.endsWith(suffix))?.text ?? '';
  const input = Object.values(result.metafile.inputs)[0];
  const output = Object.entries(result.metafile.outputs).find(([name]) => name.endsWith('.js'))?.[1];
  return {
    code: text('.js'),
    map: text('.map'),
    loader,
    format: input?.format,
    imports: (output?.imports ?? []).map(({ path, kind }) => ({ path, kind })),
  };
}

function formatOf(extension: string, output: Output): SourceFormat {
  if (extension === '.mjs' || extension === '.mts') return 'module';
  if (extension === '.cjs' || extension === '.cts') return 'commonjs';
  if (output.format) return output.format === 'esm' ? 'module' : 'commonjs';
  return looksLikeCommonJs(output.code) ? 'commonjs' : 'module';
}

async function checkedJson(path: string, source: string): Promise<CompiledModule> {
  try {
    JSON.parse(source);
  } catch (error) {
    throw await jsonError(path, source, (error as Error).message);
  }
  return { format: 'json', source, specifiers: [], staticImports: [], usesRequire: false };
}

/** JSON.parse decides what is JSON, but does not always say where it is not: that comes from esbuild. */
async function jsonError(path: string, source: string, reason: string): Promise<unknown> {
  try {
    await runEsbuild(path, source, 'json', {});
  } catch (error) {
    return toCompileError(error, path);
  }
  return new CompileError(`${path}: ${reason}`, null);
}

function toCompileError(error: unknown, path: string): unknown {
  const first = (error as { errors?: Message[] }).errors?.[0];
  if (!first) return error;
  if (!first.location) return new CompileError(`${path}: ${first.text}`, null);
  const { line, lineText, length } = first.location;
  // esbuild counts columns in UTF-8 bytes, everybody else in UTF-16 units.
  const column = Buffer.from(lineText).subarray(0, first.location.column).toString().length + 1;
  return new CompileError(first.text, { file: path, line, column }, lineText, length);
}
