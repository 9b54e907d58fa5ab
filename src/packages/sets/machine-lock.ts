import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { ownerAlive, ownerText } from './owner-file.js';

export interface MachineLock {
  /** Safe to call twice. */
  release(): Promise<void>;
}

const POLL_MS = 250;
const TOUCH_MS = 10_000;

/**
 * Waits for a lock that the processes of one machine share: a file that names its owner. The lock of a
 * process that is gone is taken over.
 *
 * The worst that a race between two takers can do is to let both in. What they do here, installing one
 * set each in its own folder and renaming it into place, stays correct then; it only costs time.
 * @throws the signal's reason when it was aborted
 */
export async function acquireLock(path: string, signal: AbortSignal): Promise<MachineLock> {
  for (;;) {
    signal.throwIfAborted();
    const lock = await tryLock(path);
    if (lock) return lock;
    await sleep(POLL_MS, undefined, { signal });
  }
}

/** The lock, or null when a living process has it. */
export async function tryLock(path: string): Promise<MachineLock | null> {
  if ((await linkOwned(path)) || ((await removeStale(path)) && (await linkOwned(path)))) return held(path);
  return null;
}

/** A hard link appears with its content, and only where nothing was. */
async function linkOwned(path: string): Promise<boolean> {
  const mine = `${path}.${randomUUID()}`;
  await writeFile(mine, ownerText());
  try {
    await link(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(mine, { force: true });
  }
}

async function removeStale(path: string): Promise<boolean> {
  const before = await readFile(path, 'utf8').catch(() => null);
  if (before === null) return true;
  if (await ownerAlive(path)) return false;
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return true;
  }
  // Another process may have taken it over between our read and our rename: give it back.
  const moved = await readFile(aside, 'utf8').catch(() => before);
  if (moved !== before) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return moved === before;
}

function held(path: string): MachineLock {
  const touch = setInterval(() => {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }, TOUCH_MS);
  touch.unref();
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      clearInterval(touch);
      await rm(path, { force: true });
    },
  };
}
