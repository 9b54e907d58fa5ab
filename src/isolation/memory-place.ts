import { closeSync, constants, openSync, statfsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { RunnerPlace } from './isolation-level.js';

const BYTES_PER_FILE = 1024;
/** Where the runner has its folder; each runner another one, under the same name. */
const SCRATCH = '/scratch';

/** A scratch folder in memory that only the runner's own mounts show. It is gone with the runner. */
export class MemoryPlace implements RunnerPlace {
  readonly scratch = SCRATCH;
  readonly onDisk = false;
  /** Files that the runner has before code is in it; counted then, for code makes thousands before a first look. */
  private filesAtFirst = 0;
  /** Of the folder, which lives as long as this is open; null: it cannot be seen from here. */
  private descriptor: number | null = null;

  constructor(
    readonly uid: number | null,
    readonly hasPackages: boolean,
    private readonly onRemoved: () => void,
  ) {}

  attach(pid: number): void {
    this.detach();
    try {
      const { files, ffree } = statfsSync(`/proc/${pid}/root${SCRATCH}`);
      this.filesAtFirst = files - ffree;
      this.descriptor = openSync(`/proc/${pid}/root${SCRATCH}`, constants.O_RDONLY | constants.O_DIRECTORY);
    } catch {
      // A kernel that does not show it: artifacts are then refused where there are any.
    }
  }

  pathOf(folder: string): string | null {
    if (this.descriptor === null || !folder.startsWith(SCRATCH)) return null;
    return `/proc/self/fd/${this.descriptor}${folder.slice(SCRATCH.length)}`;
  }

  async usedBytes(pid: number): Promise<number | null> {
    try {
      const { blocks, bfree, bsize, files, ffree } = await statfs(`/proc/${pid}/root${SCRATCH}`);
      return (blocks - bfree) * bsize + (files - ffree - this.filesAtFirst) * BYTES_PER_FILE;
    } catch {
      return null;
    }
  }

  private detach(): void {
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }

  remove(): Promise<void> {
    this.detach();
    this.onRemoved();
    return Promise.resolve();
  }
}
