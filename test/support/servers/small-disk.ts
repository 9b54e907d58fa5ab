import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FILL_BYTES = 1_048_576;

/** A disk in memory that can be filled up. Only where {@link canMount}. */
export class SmallDisk {
  readonly folder: string;
  private isGone = false;

  /** @param sizeMb of the whole disk */
  constructor(sizeMb: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'bifrost-test-disk-'));
    const mount = ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=1777`, 'tmpfs', this.folder];
    try {
      execFileSync('mount', mount, { stdio: 'pipe' });
    } catch (error) {
      rmSync(this.folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** From now on every write fails with ENOSPC. */
  fill(): void {
    const file = openSync(join(this.folder, 'filling'), 'w');
    for (const chunk of [Buffer.alloc(FILL_BYTES), Buffer.alloc(1)]) {
      try {
        for (;;) writeSync(file, chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
    closeSync(file);
  }

  clear(): void {
    rmSync(join(this.folder, 'filling'), { force: true });
  }

  /** Safe to call twice. */
  dispose(): void {
    if (this.isGone) return;
    this.isGone = true;
    // Lazily: a process that is just ending may still hold a file.
    execFileSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whether this process may mount a disk: root, and in a container with that right. */
export function canMount(): boolean {
  try {
    new SmallDisk(1).dispose();
    return true;
  } catch {
    return false;
  }
}
