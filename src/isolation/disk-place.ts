import { chmod, chown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type RuntimeDir, removeDir } from './runtime-dir.js';
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

  attach(): void {}

  pathOf(folder: string): string {
    return folder;
  }

  async usedBytes(_pid: number, enough: number): Promise<number | null> {
    return await bytesIn(this.scratch, enough).catch(() => null);
  }

  async remove(): Promise<void> {
    try {
      await removeDir(this.scratch);
    } finally {
      this.onRemoved();
    }
  }
}

/** Links are not followed; files that vanish during the walk count nothing. */
async function bytesIn(folder: string, enough: number): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true });
  let bytes = entries.length * BYTES_PER_FILE;
  for (const entry of entries) {
    if (bytes > enough) break;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesIn(path, enough - bytes).catch(() => 0);
    bytes += ((await lstat(path).catch(() => null))?.blocks ?? 0) * BLOCK_BYTES;
  }
  return bytes;
}
