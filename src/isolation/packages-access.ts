import { type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { IsolationLevelName } from '../contract/confinement.js';

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** A folder that keeps runners from the packages, and what opens it. */
export interface ClosedFolder {
  path: string;
  fix: string;
}

/**
 * Whether runners can read the packages: those of a worker that runs as root have users of their own, for
 * which every folder above has to be open, unless mounts show them the packages without what is above.
 * What is not there yet is made open.
 * @returns the first folder from the root on that is closed to them; null: they can.
 */
export function closedFolder(
  sets: string,
  level: IsolationLevelName,
  workerUid = process.getuid?.() ?? -1,
): ClosedFolder | null {
  if (workerUid !== 0 || level === 'thread') return null;
  const path = (level === 'process' ? withFoldersAbove(sets) : [sets]).find((folder) => {
    const stats = statsOf(folder);
    const needed = folder === sets ? OTHERS_READ | OTHERS_ENTER : OTHERS_ENTER;
    return stats !== null && (stats.mode & needed) !== needed;
  });
  if (path === undefined) return null;
  const rights = path === sets ? 'o+rx' : 'o+x';
  return {
    path,
    fix: `set PACKAGES_DIR to a folder that every user may enter, such as /var/cache/bifrost/packages, or chmod ${rights} ${path}`,
  };
}

const withFoldersAbove = (path: string): string[] =>
  dirname(path) === path ? [path] : [...withFoldersAbove(dirname(path)), path];

function statsOf(path: string): Stats | null {
  return statSync(path, { throwIfNoEntry: false }) ?? null;
}
