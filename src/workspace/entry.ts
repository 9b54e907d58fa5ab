import { isModulePath } from '../compile/compiled-module.js';
import { sha256OfLarge } from '../lib/sha256.js';
import { ModuleError } from './module-failure.js';
import { INLINE_PATH, normalizeModulePath } from './module-path.js';

/** What an execution starts with. */
export type EntryRef =
  /** `functionName` null: it runs as a script, and its top-level variables are shown. `path`: under which it runs. */
  | { kind: 'inline'; code: string; functionName?: string | null; path?: string }
  | { kind: 'module'; path: string };

/** An entry with what names its code. */
export type Entry =
  | { kind: 'inline'; code: string; path: string; hash: string; probe: boolean }
  | { kind: 'module'; path: string };

/** Equal for entries that collect the same closure from the same generation. */
export const recipeKey = (entry: Entry): string =>
  entry.kind === 'inline' ? `inline:${entry.probe}:${entry.hash}:${entry.path}` : `module:${entry.path}`;

/** @throws {ModuleError} when no module can have the path under which inline code is to run */
export const entryOf = async (entry: EntryRef): Promise<Entry> =>
  entry.kind === 'module'
    ? entry
    : {
        kind: 'inline',
        code: entry.code,
        path: entry.path === undefined ? INLINE_PATH : inlinePath(entry.path),
        hash: await sha256OfLarge(entry.code),
        probe: entry.functionName === null,
      };

/** Name under which inline code runs: a module's, as which it is compiled. */
function inlinePath(path: string): string {
  const normal = entryPath(path);
  return isModulePath(normal) ? normal : `${normal}.ts`;
}

/** A path that no module can have is a module that does not exist. */
export function entryPath(path: string): string {
  try {
    return normalizeModulePath(path);
  } catch (error) {
    throw new ModuleError(
      'MODULE_NOT_FOUND',
      `Cannot load the workspace module: ${(error as Error).message}`,
    );
  }
}
