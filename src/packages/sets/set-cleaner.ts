import { mkdir } from 'node:fs/promises';
import { removeTree, sizeOf } from './folder-tree.js';
import { tryLock } from './machine-lock.js';
import type { SetFolders } from './set-folders.js';
import { isInUse, lastUsedMs } from './use-marks.js';

export interface KeepLimits {
  /** A set unused for longer is removed. */
  keepMs: number;
  /** When all sets are larger together, those unused for longest are removed. */
  maxBytes: number;
}

export interface StoredSet {
  id: string;
  sizeBytes: number;
  lastUsedMs: number;
  inUse: boolean;
}

const NPM_CACHE_LOCK = 'npm-cache';

/** Which sets to remove: the too old, then the longest unused until the rest fits. Never one in use. Pure. */
export function chooseRemovals(sets: readonly StoredSet[], limits: KeepLimits, nowMs: number): string[] {
  const idle = sets.filter((set) => !set.inUse).toSorted((a, b) => a.lastUsedMs - b.lastUsedMs);
  let totalBytes = sets.reduce((sum, set) => sum + set.sizeBytes, 0);
  const removals: string[] = [];
  for (const set of idle) {
    if (nowMs - set.lastUsedMs <= limits.keepMs && totalBytes <= limits.maxBytes) continue;
    removals.push(set.id);
    totalBytes -= set.sizeBytes;
  }
  return removals;
}

/**
 * Removes unused sets, leftovers of dead installs, old outcomes, and npm's cache when it alone is
 * larger than the sets may be. Returns the ids of the removed sets. Without a folder there is nothing to remove.
 */
export async function cleanSets(folders: SetFolders, limits: KeepLimits): Promise<string[]> {
  if (!(await folders.exist())) return [];
  await folders.sweepStaging();
  await folders.sweepOutcomes(Date.now() - limits.keepMs);
  const ids = await folders.listSets();
  const sets = await Promise.all(ids.map(async (id) => await describe(folders, id)));
  const removed: string[] = [];
  for (const id of chooseRemovals(sets, limits, Date.now())) {
    if (await removeUnused(folders, id)) removed.push(id);
  }
  await cleanCache(folders, limits.maxBytes);
  return removed;
}

async function describe(folders: SetFolders, id: string): Promise<StoredSet> {
  const record = await folders.readSet(id);
  return {
    id,
    sizeBytes: record?.size_bytes ?? 0,
    lastUsedMs: await lastUsedMs(folders, id),
    inUse: await isInUse(folders, id),
  };
}

/** A process that adopts a set marks it first and then checks that it exists; so the last look at the marks decides. */
async function removeUnused(folders: SetFolders, id: string): Promise<boolean> {
  const lock = await tryLock(folders.lockFile(id));
  if (lock === null) return false;
  try {
    if (await isInUse(folders, id)) return false;
    await folders.removeSet(id);
    return true;
  } finally {
    await lock.release();
  }
}

async function cleanCache(folders: SetFolders, maxBytes: number): Promise<void> {
  if ((await sizeOf(folders.cacheDir()).catch(() => 0)) <= maxBytes) return;
  const lock = await tryLock(folders.lockFile(NPM_CACHE_LOCK));
  if (lock === null) return;
  try {
    await removeTree(folders.cacheDir());
    await mkdir(folders.cacheDir(), { recursive: true });
  } finally {
    await lock.release();
  }
}
