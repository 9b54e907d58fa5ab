import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { showSourcesOf } from './bundle-stacks.js';

/** One file that went into a built one, as it was then. */
export interface BuiltInput {
  bytes: number;
  /** Time of its last change, in Unix milliseconds. */
  changedMs: number;
  /** In hex. */
  sha256: string;
}

/** What a built file was made of: `FILE.from.json` beside it. Paths are relative to the folder of built files. */
export type BuiltFrom = Readonly<Record<string, BuiltInput>>;

/** Where `npm run build` puts what it makes ahead of a start: `dist/bundle`. */
const FOLDER = new URL('../../bundle/', import.meta.url);
/** What V8 compiles of it is kept here, where that can be written. */
const COMPILED = new URL('../../.compile-cache', import.meta.url);

/**
 * The file that `npm run build` has made ahead, so that a start need not load hundreds of files or make it itself.
 * A file that is as old and as large as it was then counts as the same, as in git; else its content decides. One that
 * is missing changes nothing: what was built stands for it.
 * @param name such as `bootstrap.cjs`; scripts/bundle.ts has them all
 * @param folder URL of the folder of built files
 * @returns its path; null: it is not there, or something that it was made of has changed since
 */
export function builtAhead(name: string, folder: URL = FOLDER): string | null {
  const file = new URL(name, folder);
  try {
    if (!statSync(file, { throwIfNoEntry: false })) return null;
    const from = JSON.parse(readFileSync(new URL(`${name}.from.json`, folder), 'utf8')) as BuiltFrom;
    const isSame = Object.entries(from).every(([path, input]) => isAsBuilt(new URL(path, folder), input));
    return isSame ? fileURLToPath(file) : null;
  } catch {
    return null;
  }
}

/** Loads a module as it was built ahead, or from its own file where it was not. */
export async function loadAhead<M>(name: string, otherwise: () => Promise<M>): Promise<M> {
  const file = builtAhead(name);
  if (file === null) return otherwise();
  // Not imported: the command is one file with this and starts on a Node that has no such cache.
  const { createRequire, enableCompileCache } = process.getBuiltinModule('node:module');
  enableCompileCache(fileURLToPath(COMPILED));
  showSourcesOf(file);
  return createRequire(import.meta.url)(file) as M;
}

function isAsBuilt(file: URL, { bytes, changedMs, sha256 }: BuiltInput): boolean {
  const now = statSync(file, { throwIfNoEntry: false });
  if (!now || (now.size === bytes && now.mtimeMs === changedMs)) return true;
  if (now.size !== bytes) return false;
  // Loaded where it is needed: it is one of the larger parts of Node.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(readFileSync(file)).digest('hex') === sha256;
}
