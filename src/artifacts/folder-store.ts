import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Artifact } from '../contract/fields/artifacts.js';
import { type ArtifactStore, type Content, StoreError } from './artifact-store.js';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** What is being written; it is moved to its place when it is whole. */
const UNFINISHED = 'unfinished';
const ABANDONED_MS = 86_400_000;
/** What a full disk, a missing right or a broken disk says; everything else is a fault of what is read. */
const OF_DISK = /^(ENOSPC|EDQUOT|EACCES|EPERM|EROFS|EIO|EMFILE|ENFILE|ENOENT|ENOTDIR)$/;

/** Keeps artifacts in a folder on disk, which workers and the API must share. */
export class FolderStore implements ArtifactStore {
  constructor(private readonly dir: string) {}

  async put(folder: string, content: Content): Promise<void> {
    const path = join(this.dir, folder, content.name);
    const unfinished = join(this.dir, UNFINISHED, randomUUID());
    const source = content.read();
    let readFault: unknown = null;
    source.once('error', (error) => (readFault ??= error));
    try {
      await mkdir(dirname(unfinished), { recursive: true, mode: 0o700 });
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await pipeline(source, createWriteStream(unfinished, { flags: 'wx', mode: 0o600, flush: true }));
      await rename(unfinished, path);
    } catch (error) {
      source.destroy();
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error === readFault ? error : this.fault(error);
    }
  }

  async open(folder: string, { name }: Artifact): Promise<Readable | null> {
    try {
      const file = await open(join(this.dir, folder, name));
      return createReadStream('', { fd: file });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw this.fault(error);
    }
  }

  link(): Promise<null> {
    return Promise.resolve(null);
  }

  async remove(folders: readonly string[]): Promise<void> {
    try {
      for (const folder of folders) await rm(join(this.dir, folder), { recursive: true, force: true });
    } catch (error) {
      throw this.fault(error);
    }
  }

  async removeBefore(day: string): Promise<void> {
    try {
      const days = await readdir(this.dir).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      await this.remove(days.filter((name) => DAY.test(name) && name < day));
      await this.removeUnfinished();
    } catch (error) {
      throw this.fault(error);
    }
  }

  /** What a process that died left of a write. */
  private async removeUnfinished(): Promise<void> {
    const folder = join(this.dir, UNFINISHED);
    for (const name of await readdir(folder).catch(() => [])) {
      const age = Date.now() - ((await stat(join(folder, name)).catch(() => null))?.mtimeMs ?? Date.now());
      if (age > ABANDONED_MS) await this.remove([join(UNFINISHED, name)]);
    }
  }

  private fault(error: unknown): unknown {
    const { code, message } = error as NodeJS.ErrnoException;
    return code !== undefined && OF_DISK.test(code)
      ? new StoreError(`ARTIFACTS_DIR cannot be used: ${message}`)
      : error;
  }
}
