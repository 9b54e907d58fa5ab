import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MakeFault } from './redis-stack.js';

const FILL_BYTES = 1_048_576;

/** A disk of its own for the temporary files of workers, in memory, that can be filled up. Needs root. */
export class SmallDisk {
  readonly folder: string;
  readonly faults: Readonly<Record<string, MakeFault>> = {
    'fill the disk': async ({ random, rest }) => {
      this.fill();
      await rest(1_000 + random() * 9_000);
      this.clear();
    },
  };

  /** @param sizeMb of the whole disk */
  constructor(sizeMb: number) {
    this.folder = mkdtempSync(join(tmpdir(), 'bifrost-test-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=1777`, 'tmpfs', this.folder]);
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

  dispose(): void {
    // Lazily: a process that is just ending may still hold a file.
    execFileSync('umount', ['-l', this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
