import { fromJsonc } from '../../lib/text/jsonc.js';
import { joinSegments } from '../module-path.js';
import { type FromFolder, PathMapping } from './path-mapping.js';

/** Where the compiler options of a generation are. */
export const TSCONFIG_PATH = 'tsconfig.json';
/** Of a longer one nothing is used. */
const LIMIT_CHARS = 64 * 1024;
/** Files that one tsconfig.json extends, and those that they extend; of more nothing is used. */
const FILES_LIMIT = 16;

/** Options that change what code means, and that the compiler obeys. The others are about checking, or about files that are not written here. */
const OBEYED = [
  'experimentalDecorators',
  'emitDecoratorMetadata',
  'useDefineForClassFields',
  'verbatimModuleSyntax',
  'preserveValueImports',
  'importsNotUsedAsValues',
  'alwaysStrict',
  'jsx',
  'jsxFactory',
  'jsxFragmentFactory',
  'jsxImportSource',
] as const;

/** What one tsconfig.json says itself. */
export interface Tsconfig {
  /** The files that it extends, as it names them; of two, the later one counts. */
  extends: readonly string[];
  options: Readonly<Record<string, unknown>>;
}

/** What the tsconfig.json of a generation and what it extends say together. */
export interface WorkspaceOptions {
  /** JSON text of the options that the compiler obeys, as esbuild takes a tsconfig; '' where there are none. */
  json: string;
  mapping: PathMapping;
}

/** How files of a generation are found and read. */
export interface TsconfigFiles<Ref extends { path: string }> {
  /** The first of these paths that there is. */
  find(paths: readonly string[]): Promise<Ref | null>;
  read(file: Ref): Promise<Tsconfig>;
}

/** Reads a tsconfig.json, which may have comments and trailing commas. What is none says nothing. */
export function parseTsconfig(text: string): Tsconfig {
  const nothing = { extends: [], options: {} };
  if (text.length > LIMIT_CHARS) return nothing;
  try {
    const { extends: parents, compilerOptions } = fromJsonc(text) as Record<string, unknown>;
    const named = (Array.isArray(parents) ? parents : [parents]).filter((name) => typeof name === 'string');
    const isRecord = typeof compilerOptions === 'object' && compilerOptions !== null;
    return { extends: named, options: isRecord ? (compilerOptions as Record<string, unknown>) : {} };
  } catch {
    return nothing;
  }
}

/**
 * The options of a generation: those of its tsconfig.json before those of what that extends. What extends a
 * package, or a file that is not there, has nothing of it.
 * @throws what `files` throws
 */
export async function readOptions<Ref extends { path: string }>(
  files: TsconfigFiles<Ref>,
): Promise<WorkspaceOptions> {
  const options = new Map<string, FromFolder<unknown>>();
  const seen = new Set<string>();
  const add = async (paths: readonly string[]): Promise<void> => {
    const file = await files.find(paths);
    if (file === null || seen.has(file.path) || seen.size >= FILES_LIMIT) return;
    seen.add(file.path);
    const { extends: parents, options: own } = await files.read(file);
    const folder = file.path.split('/').slice(0, -1);
    for (const parent of parents) await add(pathsOfParent(folder, parent));
    for (const [name, value] of Object.entries(own)) options.set(name, { folder, value });
  };
  await add([TSCONFIG_PATH]);
  const given = Object.fromEntries([...options].map(([name, { value }]) => [name, value]));
  return { json: jsonOf(given), mapping: new PathMapping(options.get('paths'), options.get('baseUrl')) };
}

function pathsOfParent(folder: readonly string[], name: string): string[] {
  if (!/^\.\.?\//.test(name)) return [];
  const path = joinSegments(folder, name)?.join('/');
  return path === undefined ? [] : [path, `${path}.json`];
}

function jsonOf(given: Readonly<Record<string, unknown>>): string {
  const used = Object.fromEntries(OBEYED.flatMap((name) => (name in given ? [[name, given[name]]] : [])));
  // JSX is always compiled: no browser or bundler comes after us.
  if (used['jsx'] === 'preserve' || used['jsx'] === 'react-native') delete used['jsx'];
  // Without a word of its own, the target decides about class fields.
  if (!('useDefineForClassFields' in used) && isBefore2022(given['target']))
    used['useDefineForClassFields'] = false;
  return Object.keys(used).length === 0 ? '' : JSON.stringify({ compilerOptions: used });
}

const isBefore2022 = (target: unknown): boolean =>
  typeof target === 'string' && /^es(3|5|6|20(1\d|20|21))$/i.test(target);
