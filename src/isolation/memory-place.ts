import { statfs } from 'node:fs/promises';
import type { RunnerPlace } from './isolation-level.js';

const BYTES_PER_FILE = 1024;
/** Where the runner has its folder; each runner another one, under the same name. */
const SCRATCH = '/scratch';

/** A scratch folder in memory that only the runner's own mounts show. It is gone with the runner. */
export class MemoryPlace implements RunnerPlace {
  readonly scratch = SCRATCH;
  readonly onDisk = false;
  private filesAtFirst: number | null = null;

  constructor(
    readonly uid: number | null,
    readonly hasPackages: boolean,
    private readonly onRemoved: () => void,
  ) {}

  async usedBytes(pid: number): Promise<number | null> {
    try {
      const { blocks, bfree, bsize, files, ffree } = await statfs(`/proc/${pid}/root${SCRATCH}`);
      this.filesAtFirst ??= files - ffree;
      return (blocks - bfree) * bsize + (files - ffree - this.filesAtFirst) * BYTES_PER_FILE;
    } catch {
      return null;
    }
  }

  remove(): Promise<void> {
    this.onRemoved();
    return Promise.resolve();
  }
}
