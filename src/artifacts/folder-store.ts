import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Artifact } from '../contract/fields/artifacts.js';
import { type ArtifactStore, type Content, StoreError } from './artifact-store.js';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** What is being written; it is moved to its place when it is whole. */
const UNFINISHED = 'unfinished';
const ABANDONED_MS = 86_400_000;

/** Keeps artifacts in a folder on disk, which workers and the API must share. */
export class FolderStore implements ArtifactStore {
  constructor(private readonly dir: string) {}

  async put(folder: string, { name, chunks }: Content): Promise<void> {
    const path = join(this.dir, folder, name);
    const unfinished = join(this.dir, UNFINISHED, randomUUID());
    try {
      await this.write(unfinished, chunks());
      await this.within(async () => {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await rename(unfinished, path);
      });
    } catch (error) {
      await rm(unfinished, { force: true }).catch(() => undefined);
      throw error;
    }
  }

  open(folder: string, { name }: Artifact): Promise<Readable | null> {
    return this.within(async () => {
      const file = await open(join(this.dir, folder, name)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null;
        throw error;
      });
      return file && file.createReadStream();
    });
  }

  link(): Promise<null> {
    return Promise.resolve(null);
  }

  remove(folders: readonly string[]): Promise<void> {
    return this.within(async () => {
      for (const folder of folders) await rm(join(this.dir, folder), { recursive: true, force: true });
    });
  }

  removeBefore(day: string): Promise<void> {
    return this.within(async () => {
      const days = await readdir(this.dir).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
      await this.remove(days.filter((name) => DAY.test(name) && name < day));
      await this.removeUnfinished();
    });
  }

  private async write(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const file = await this.within(async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return open(path, 'wx', 0o600);
    });
    try {
      // What reading them throws is no fault of the store.
      for await (const chunk of chunks) await this.within(() => writeAll(file, chunk));
      await this.within(() => file.sync());
    } finally {
      await file.close();
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

  /** Turns what the disk says into an error of the store. */
  private async within<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new StoreError(`ARTIFACTS_DIR cannot be used: ${(error as Error).message}`);
    }
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let at = 0;
  while (at < chunk.length) at += (await file.write(chunk, at)).bytesWritten;
}
