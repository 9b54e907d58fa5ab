import type { BuildOptions, BuildResult, Loader, Message } from 'esbuild';
import { REQUIRE_SPECIFIER } from '../../boundary/module-protocol.js';
import type { SourceFormat } from '../../boundary/shipped-module.js';
import { moduleUrl } from '../../boundary/workspace-url.js';
import {
  type CompiledModule,
  MODULE_EXTENSIONS,
  type ModuleExtension,
  moduleExtensionOf,
} from '../compiled-module.js';
import type { CompileRequest, InvalidSource } from '../protocol.js';
import { asksForMetadata, type Swc, withDecoratorMetadata } from './decorator-metadata.js';
import { mayCallRequire, REQUIRE_NAME, requiredSpecifiers } from './requires.js';
import { isScript, withProbe } from './script-probe.js';

const TARGET = 'node26';

const LOADERS: Readonly<Record<Exclude<ModuleExtension, '.json'>, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
};

type BuildOutput = BuildResult<{ write: false; metafile: true }>;

/** The part of esbuild that is used. */
export type Build = (options: BuildOptions & { write: false; metafile: true }) => Promise<BuildOutput>;

/** What sources are compiled with. */
export interface Compilers {
  build: Build;
  /** Loads swc, which only the metadata of decorators needs. @throws {Error} when it is not there */
  swc: () => Swc;
}

/** A source is no TypeScript, JavaScript or JSON. */
export class InvalidSourceError extends Error {
  override name = 'InvalidSourceError';

  constructor(readonly source: InvalidSource) {
    super(source.reason);
  }
}

/**
 * Turns TypeScript, JavaScript and JSON into what the runner loads. Stack traces of the result show
 * `<root>/<path>` with line and column of the source. TypeScript that only parses as JavaScript is taken
 * as JavaScript.
 * @throws {InvalidSourceError} with the place, when the source is none of the three
 * @throws what `build` throws when it is not about the source
 */
export async function transform({ build, swc }: Compilers, asked: CompileRequest): Promise<CompiledModule> {
  // As Node reads it: what marks the byte order is no part of the text, so that `#!` may follow it.
  const given = { ...asked, source: asked.source.replace(/^\ufeff/, '') };
  const { path, source, rootUrl } = given;
  const url = moduleUrl(rootUrl, path);
  const extension = moduleExtensionOf(path);
  if (extension === null) {
    const reason = `${path} cannot be imported: only ${MODULE_EXTENSIONS.join(', ')} are modules`;
    throw new InvalidSourceError({ reason, location: null });
  }
  if (extension === '.json') return checkedJson(build, path, source);
  const checked = await toJavaScript(build, given, LOADERS[extension]);
  const hasMetadata = checked.loader.startsWith('ts') && asksForMetadata(source, given.tsconfig);
  const request = hasMetadata ? { ...given, source: sourceWithMetadata(swc, given) } : given;
  const output = hasMetadata ? await toJavaScript(build, request, 'js') : checked;
  const format = formatOf(extension, output);
  const define: Record<string, string> = {};
  const usesRequire = format === 'module' && (await callsRequire(build, request, output));
  if (usesRequire) define['require'] = REQUIRE_NAME;
  // Only a script is a main program; Node itself takes the runner for that.
  const asksForMain = format === 'module' && request.probe && MAIN_QUESTION.test(output.code);
  if (asksForMain) define['import.meta.main'] = 'true';
  // A runner that is kept loads it by a URL of its own each time; to the code it is always the same.
  const asksForUrl = format === 'module' && URL_QUESTION.test(output.code);
  if (asksForUrl) define['import.meta.url'] = JSON.stringify(url);
  const isBound = usesRequire || asksForMain || asksForUrl;
  const bound = isBound ? await toJavaScript(build, request, output.loader, define) : output;
  const sourceOf = (name: string): string => (hasMetadata || name === path ? url : sourceUrl(name, url));
  const module = finish(sourceOf, bound, format, usesRequire, asksForMain);
  return request.probe ? withProbe(module, source) : module;
}

function sourceWithMetadata(swc: Compilers['swc'], { path, source, tsconfig = '' }: CompileRequest): string {
  try {
    return withDecoratorMetadata(swc(), { path, source, tsconfig });
  } catch (error) {
    // Of several lines, the first has the reason.
    const [first = ''] = (error as Error).message.trim().split('\n');
    const reason = `${path}: emitDecoratorMetadata of tsconfig.json cannot be carried out: ${first.replace(/^x\s+/, '')}`;
    throw new InvalidSourceError({ reason: reason.slice(0, REASON_CHARS), location: null });
  }
}

const MAIN_QUESTION = /\bimport\.meta\.main\b/;
const URL_QUESTION = /\bimport\.meta\.url\b/;

/** Whether ESM calls a free `require`: it is then compiled so that it calls the one that it imports. */
async function callsRequire(build: Build, request: CompileRequest, output: Output): Promise<boolean> {
  if (!mayCallRequire(output.code)) return false;
  const bound = await toJavaScript(build, request, output.loader, { require: REQUIRE_NAME });
  return bound.code.includes(REQUIRE_NAME);
}

async function toJavaScript(
  build: Build,
  request: CompileRequest,
  loader: Loader,
  define: Record<string, string> = {},
): Promise<Output> {
  try {
    return await runBuild(build, request, loader, define);
  } catch (error) {
    const plain = loader === 'ts' ? 'js' : loader === 'tsx' ? 'jsx' : undefined;
    const retried = plain && (await runBuild(build, request, plain, define).catch(() => undefined));
    if (retried) return retried;
    throw toInvalidSource(error, request.path);
  }
}

/**
 * Code that was compiled before it came here may bring a map of its own, inline, which the compiler follows: the
 * sources in it are named from the module that holds it, as Node reads them.
 */
const sourceUrl = (name: string, moduleAt: string): string => URL.parse(name, moduleAt)?.href ?? moduleAt;

function finish(
  sourceOf: (name: string) => string,
  output: Output,
  format: SourceFormat,
  usesRequire: boolean,
  asksForMain: boolean,
): CompiledModule {
  const map = JSON.parse(output.map) as { sources: string[] };
  map.sources = map.sources.map(sourceOf);
  const inline = Buffer.from(JSON.stringify(map)).toString('base64');
  // After the code: nothing before it moves, and an import is bound before the module's body runs.
  const binding = usesRequire ? `import { require as ${REQUIRE_NAME} } from '${REQUIRE_SPECIFIER}';\n` : '';
  const mark = asksForMain ? '// import.meta.main\n' : '';
  return {
    format,
    source: `${output.code}${binding}${mark}//# sourceMappingURL=data:application/json;base64,${inline}\n`,
    specifiers: [...new Set([...output.imports.map(({ path }) => path), ...requiredSpecifiers(output.code)])],
    staticImports: output.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path),
    usesRequire,
  };
}

interface Output {
  code: string;
  map: string;
  loader: Loader;
  /** What esbuild found by the syntax; undefined where there is neither. */
  format: 'esm' | 'cjs' | undefined;
  imports: { path: string; kind: string }[];
  /** Names that it exports. */
  exports: number;
}

async function runBuild(
  build: Build,
  { path, source, tsconfig }: Pick<CompileRequest, 'path' | 'source' | 'tsconfig'>,
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
    ...(tsconfig?.includes('"jsx"') ? {} : { jsx: 'automatic' as const }),
    logLevel: 'silent',
    // Always given, so that no tsconfig.json from a disk has a say.
    tsconfigRaw: tsconfig || '{}',
    define,
    ...(/\.cts$/i.test(path) ? { format: 'cjs' as const } : {}),
  });
  return readOutput(result, loader);
}

function readOutput(result: BuildOutput, loader: Loader): Output {
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
    exports: output?.exports.length ?? 0,
  };
}

/** As Node decides for what has no package.json above it, after the types are gone: by the syntax. */
function formatOf(extension: ModuleExtension, output: Output): SourceFormat {
  if (extension === '.mjs' || extension === '.mts') return 'module';
  if (extension === '.cjs' || extension === '.cts') return 'commonjs';
  if (output.format !== 'esm') return 'commonjs';
  const isModule = output.exports > 0 || output.imports.some(({ kind }) => kind === 'import-statement');
  return isModule || !isScript(output.code) ? 'module' : 'commonjs';
}

async function checkedJson(build: Build, path: string, source: string): Promise<CompiledModule> {
  try {
    JSON.parse(source);
  } catch (error) {
    throw await jsonError(build, path, source, (error as Error).message);
  }
  return { format: 'json', source, specifiers: [], staticImports: [], usesRequire: false };
}

/** JSON.parse decides what is JSON, but does not always say where it is not: that comes from esbuild. */
async function jsonError(build: Build, path: string, source: string, reason: string): Promise<unknown> {
  try {
    await runBuild(build, { path, source }, 'json', {});
  } catch (error) {
    return toInvalidSource(error, path);
  }
  return new InvalidSourceError({ reason: `${path}: ${reason}`, location: null });
}

function toInvalidSource(error: unknown, path: string): unknown {
  const first = (error as { errors?: Message[] }).errors?.[0];
  if (!first) return error;
  if (!first.location)
    return new InvalidSourceError({
      reason: `${path}: ${first.text}`.slice(0, REASON_CHARS),
      location: null,
    });
  const { line, lineText, length } = first.location;
  // esbuild counts columns in UTF-8 bytes, editors in UTF-16 units.
  const column = Buffer.from(lineText).subarray(0, first.location.column).toString().length;
  return new InvalidSourceError({
    reason: first.text.slice(0, REASON_CHARS),
    location: { file: path, line, column: column + 1 },
    line: frameOf(lineText, column, length),
  });
}

const REASON_CHARS = 1000;
const FRAME_CHARS = 160;

function frameOf(lineText: string, column: number, markChars: number): InvalidSource['line'] {
  const from = Math.max(0, column + 1 - FRAME_CHARS / 2);
  const text = lineText.slice(from, from + FRAME_CHARS).replaceAll('\t', ' ');
  const markFrom = column - from;
  return { text, markFrom, markChars: Math.max(1, Math.min(markChars, text.length - markFrom)) };
}
