import { fromJsonc } from '../lib/jsonc.js';
import { sha256 } from '../lib/sha256.js';

/** Where the compiler options of a generation are. */
export const TSCONFIG_PATH = 'tsconfig.json';
/** Of a longer one nothing is used. */
const LIMIT_CHARS = 64 * 1024;

/** Options that change what code means, and that the compiler obeys. The others are about checking, or about files that are not written here. */
const OBEYED = [
  'experimentalDecorators',
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

/** What the tsconfig.json of a generation says to the compiler. */
export interface CompilerOptions {
  /** JSON text of the options that are obeyed, as esbuild takes a tsconfig; '' where there are none. */
  json: string;
  /** Names {@link json}; '' where there are none. */
  key: string;
}

const NONE: CompilerOptions = { json: '', key: '' };

/** Reads a tsconfig.json, which may have comments and trailing commas. What is none says nothing. */
export function compilerOptions(text: string | null): CompilerOptions {
  if (text === null || text.length > LIMIT_CHARS) return NONE;
  const given = optionsIn(text);
  const used = Object.fromEntries(OBEYED.flatMap((name) => (name in given ? [[name, given[name]]] : [])));
  // JSX is always compiled: no browser or bundler comes after us.
  if (used['jsx'] === 'preserve' || used['jsx'] === 'react-native') delete used['jsx'];
  // Without a word of its own, the target decides about class fields.
  if (!('useDefineForClassFields' in used) && isBefore2022(given['target']))
    used['useDefineForClassFields'] = false;
  if (Object.keys(used).length === 0) return NONE;
  const json = JSON.stringify({ compilerOptions: used });
  return { json, key: sha256(json) };
}

function optionsIn(text: string): Record<string, unknown> {
  try {
    const { compilerOptions: given } = fromJsonc(text) as { compilerOptions?: unknown };
    return typeof given === 'object' && given !== null ? (given as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const isBefore2022 = (target: unknown): boolean =>
  typeof target === 'string' && /^es(3|5|6|20(1\d|20|21))$/i.test(target);
