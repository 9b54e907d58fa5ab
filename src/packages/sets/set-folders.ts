import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { installedPackageSchema, packageFailureSchema } from '../../contract/packages.js';
import { makeReadOnly, removeTree, seal } from './folder-tree.js';
import { ownerAlive, ownerText, writeWhole } from './owner-file.js';

/** `set.json` of a complete set: what is in it. */
const setRecordSchema = z.object({
  id: z.string(),
  specs: z.array(z.string()),
  installed: z.array(installedPackageSchema),
  /** Packages that are there but could not be imported when they were checked. */
  not_importable: z.array(packageFailureSchema),
  /** Packages that could not be imported without the native code that they ship. */
  needing_addons: z.array(packageFailureSchema).default([]),
  size_bytes: z.number(),
  node: z.string(),
  created_at: z.string(),
});
export type SetRecord = z.infer<typeof setRecordSchema>;

/** Outcome of a manifest of which not everything could be installed. */
const outcomeRecordSchema = z.object({
  set: z.string().nullable(),
  failed: z.array(packageFailureSchema),
  at_ms: z.number(),
});
export type OutcomeRecord = z.infer<typeof outcomeRecordSchema>;

const SET_ID = /^[0-9a-f]{32}$/;
const SET_FILE = 'set.json';
const OWNER_FILE = 'owner.json';

/**
 * The folder that holds package sets. Whatever stands under `sets/` is complete and never changes.
 *
 *     sets/<id>/node_modules, sets/<id>/set.json    read-only
 *     staging/<any>/                                 an install under way, with the process that does it
 *     outcomes/<id>.json                             a wanted set of which only a part could be installed
 *     use/<id>/<any>                                 marks of processes that use a set; see use-marks.ts
 *     locks/<id>                                     the process that installs a set
 *     npm-cache/
 */
export class SetFolders {
  constructor(readonly root: string) {}

  /** @throws {Error} naming the folder and the setting, when it cannot be made. */
  async prepare(): Promise<void> {
    try {
      for (const part of ['sets', 'staging', 'outcomes', 'use', 'locks', 'npm-cache']) {
        await mkdir(join(this.root, part), { recursive: true, mode: 0o755 });
      }
    } catch (error) {
      throw new Error(`PACKAGES_DIR ${this.root} cannot be used: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** Whether anything was ever installed here: a machine without packages gets no folders. */
  async exist(): Promise<boolean> {
    return (await stat(join(this.root, 'sets')).catch(() => null)) !== null;
  }

  setDir = (id: string): string => join(this.root, 'sets', id);
  useDir = (id: string): string => join(this.root, 'use', id);
  lockFile = (id: string): string => join(this.root, 'locks', id);
  cacheDir = (): string => join(this.root, 'npm-cache');

  /** The record of a complete set, or null. */
  async readSet(id: string): Promise<SetRecord | null> {
    return await readJson(join(this.setDir(id), SET_FILE), setRecordSchema);
  }

  /** Ids of all complete sets. */
  async listSets(): Promise<string[]> {
    return (await readdir(join(this.root, 'sets'))).filter((name) => SET_ID.test(name));
  }

  /** A new folder for an install of this process. */
  async openStaging(): Promise<string> {
    const staging = join(this.root, 'staging', randomUUID());
    await mkdir(staging, { mode: 0o755 });
    await writeWhole(join(staging, OWNER_FILE), ownerText());
    return staging;
  }

  /** Removes what installs of dead processes have left; returns how many there were. */
  async sweepStaging(): Promise<number> {
    let swept = 0;
    for (const name of await readdir(join(this.root, 'staging'))) {
      const staging = join(this.root, 'staging', name);
      if (await this.stagingInUse(staging)) continue;
      await removeTree(staging);
      swept += 1;
    }
    return swept;
  }

  /** Makes an installed folder read-only and, in one step, the set of this id. An existing set stays. */
  async publish(folder: string, record: Omit<SetRecord, 'size_bytes'>): Promise<SetRecord> {
    const sizeBytes = await makeReadOnly(folder);
    const complete: SetRecord = { ...record, size_bytes: sizeBytes };
    await writeWhole(join(folder, SET_FILE), JSON.stringify(complete));
    try {
      await rename(folder, this.setDir(record.id));
    } catch (error) {
      const there = await this.readSet(record.id);
      if (there === null) throw error;
      await removeTree(folder);
      return there;
    }
    await seal(this.setDir(record.id), SET_FILE);
    return complete;
  }

  /** Takes a set away in one step, then deletes it. The caller makes sure that it is unused. */
  async removeSet(id: string): Promise<void> {
    const trash = await this.openStaging();
    await seal(this.setDir(id), SET_FILE, 0o755);
    await rename(this.setDir(id), join(trash, 'set'));
    await removeTree(trash);
    await rm(this.useDir(id), { recursive: true, force: true });
  }

  /** Takes away what stands in the place of a set that is about to be published, if anything does. */
  async removeDamaged(id: string): Promise<void> {
    if ((await stat(this.setDir(id)).catch(() => null)) !== null) await this.removeSet(id);
  }

  async readOutcome(wanted: string): Promise<OutcomeRecord | null> {
    return await readJson(join(this.root, 'outcomes', `${wanted}.json`), outcomeRecordSchema);
  }

  async writeOutcome(wanted: string, outcome: OutcomeRecord): Promise<void> {
    await writeWhole(join(this.root, 'outcomes', `${wanted}.json`), JSON.stringify(outcome));
  }

  async removeOutcome(wanted: string): Promise<void> {
    await rm(join(this.root, 'outcomes', `${wanted}.json`), { force: true });
  }

  /** Removes outcomes older than this. */
  async sweepOutcomes(beforeMs: number): Promise<void> {
    const folder = join(this.root, 'outcomes');
    for (const name of await readdir(folder)) {
      const found = await stat(join(folder, name)).catch(() => null);
      if (found && found.mtimeMs < beforeMs) await rm(join(folder, name), { force: true });
    }
  }

  private async stagingInUse(staging: string): Promise<boolean> {
    if (await ownerAlive(join(staging, OWNER_FILE))) return true;
    const found = await stat(staging).catch(() => null);
    const ownerKnown = (await stat(join(staging, OWNER_FILE)).catch(() => null)) !== null;
    // Between mkdir and the owner's file: young folders without an owner are left alone.
    return found !== null && !ownerKnown && Date.now() - found.mtimeMs < 60_000;
  }
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    // A record that cannot be read is as good as none: the set is installed again.
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
