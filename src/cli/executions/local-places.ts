import { relative, resolve, sep } from 'node:path';

/** A place in code as stacks have it: an absolute path, with line and column. */
const PLACE = /(?:file:\/\/)?(\/[^\s():]+):(\d+):(\d+)/g;

/** Puts what is on this disk in place of what a worker calls it. */
export type LocalPlaces = (text: string) => string;

/** What code without a name of its own is called on a worker. */
export const INLINE_NAME = 'inline-code.ts';

/**
 * Turns the places in a stack into those of the files that the code came from, as a terminal or an editor opens
 * them: `src/shared/money.ts:3:9`. Places of packages and of Node stay.
 * @param files path in the workspace of the worker -> path on this disk
 * @param from folder that the shown paths are relative to, where they are in it
 */
export function localPlaces(files: ReadonlyMap<string, string>, from: string = process.cwd()): LocalPlaces {
  return (text) =>
    text.replaceAll(PLACE, (whole, path: string, line: string, column: string) => {
      const local = path.includes('/node_modules/') ? undefined : fileAt(path, files);
      return local === undefined ? whole : `${shownPath(local, from)}:${line}:${column}`;
    });
}

/** The file whose path in the workspace is the longest end of this one: what comes before it is the worker's folder. */
function fileAt(path: string, files: ReadonlyMap<string, string>): string | undefined {
  const parts = path.split('/');
  for (let at = 1; at < parts.length; at += 1) {
    const file = files.get(parts.slice(at).join('/'));
    if (file !== undefined) return file;
  }
  return undefined;
}

function shownPath(file: string, from: string): string {
  const full = resolve(file);
  const path = relative(from, full);
  return path === '..' || path.startsWith(`..${sep}`) ? full : path;
}
