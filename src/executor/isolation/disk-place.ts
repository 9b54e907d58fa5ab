import { chmod, chown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type RuntimeDir, removeDir } from '../runtime-dir.js';
import type { RunnerPlace } from './isolation-level.js';

const BYTES_PER_FILE = 1024;
const BLOCK_BYTES = 512;

/** A scratch folder on the worker's disk, new and empty, closed to every other user. */
export class DiskPlace implements RunnerPlace {
  readonly onDisk = true;
  readonly hasPackages = true;

  private constructor(
    readonly scratch: string,
    readonly uid: number | null,
    private readonly onRemoved: () => void,
  ) {}

  /** @param onRemoved called when nothing of the place is left. */
  static async open(
    dir: RuntimeDir,
    uid: number | null,
    onRemoved = (): void => undefined,
  ): Promise<DiskPlace> {
    const scratch = await dir.createScratch();
    await chmod(scratch, 0o700);
    if (uid !== null) await chown(scratch, uid, uid);
    return new DiskPlace(scratch, uid, onRemoved);
  }

  async usedBytes(): Promise<number | null> {
    return await bytesIn(this.scratch).catch(() => null);
  }

  async remove(): Promise<void> {
    try {
      await removeDir(this.scratch);
    } finally {
      this.onRemoved();
    }
  }
}

/** Links are not followed; what vanishes meanwhile counts nothing. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesIn(path).catch(() => 0);
    const stats = await lstat(path).catch(() => null);
    bytes += BYTES_PER_FILE + (stats === null ? 0 : stats.blocks * BLOCK_BYTES);
  }
  return bytes;
}
