import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerAlive, ownerText, writeWhole } from './owner-file.js';
import type { SetFolders } from './set-folders.js';

/** Says on disk that this process uses a package set, so that no other worker of the machine removes it. */
export interface UseMark {
  /** Renews the mark; call it every heartbeat. */
  touch(): Promise<void>;
  /** Safe to call twice. */
  remove(): Promise<void>;
}

/** Marks a set as used by this process. The set may not exist yet. */
export async function markInUse(folders: SetFolders, id: string): Promise<UseMark> {
  const folder = folders.useDir(id);
  await mkdir(folder, { recursive: true });
  const mark = join(folder, `${process.pid}-${randomUUID()}.json`);
  await writeWhole(mark, ownerText());
  return {
    async touch() {
      const now = new Date();
      await Promise.all([mark, folder].map((path) => utimes(path, now, now).catch(() => undefined)));
    },
    async remove() {
      await rm(mark, { force: true });
    },
  };
}

/** Whether a living process uses the set. Marks of dead processes are removed on the way. */
export async function isInUse(folders: SetFolders, id: string): Promise<boolean> {
  let used = false;
  for (const name of await readdir(folders.useDir(id)).catch(() => [])) {
    if (!name.endsWith('.json')) continue;
    const mark = join(folders.useDir(id), name);
    if (await ownerAlive(mark)) used = true;
    else await rm(mark, { force: true });
  }
  return used;
}

/** When the set was last used, in milliseconds since the epoch. */
export async function lastUsedMs(folders: SetFolders, id: string): Promise<number> {
  const used = await stat(folders.useDir(id)).catch(() => null);
  const made = await stat(folders.setDir(id)).catch(() => null);
  return Math.max(used?.mtimeMs ?? 0, made?.mtimeMs ?? 0);
}
