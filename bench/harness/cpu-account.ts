// What a program and everything that it has started used of the processors.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { treeCpuMs } from './process-tree.ts';

/** How the figures were taken, for the table. */
export type CpuSource = 'control group' | 'process tree';

/** The processor time of one program, with all its descendants. */
export interface CpuAccount {
  readonly source: CpuSource;
  /** Milliseconds so far: also of what has ended, and of what a namespace hid. */
  usedMs(): number;
  /** Once nothing of it runs. */
  close(): void;
}

/**
 * Opens the account of a process that has just been started, before it starts others. A control group sees all of
 * it. Where none can be made, the process tree is read, which misses what ends together with a namespace of processes
 * (bubblewrap), and forked runners.
 */
export function openCpuAccount(pid: number): CpuAccount {
  const folder = makeGroup(pid);
  if (folder === null)
    return { source: 'process tree', usedMs: () => treeCpuMs(pid), close: () => undefined };
  return {
    source: 'control group',
    usedMs: () => usageOf(folder),
    close: () => {
      try {
        rmdirSync(folder);
      } catch {
        // Something of it is just ending.
      }
    },
  };
}

/** A group of the second version, which accounts for time without any controller; null: none can be made. */
function makeGroup(pid: number): string | null {
  try {
    const [, mounted] = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/mounts', 'utf8')) ?? [];
    const [, own = '/'] = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
    if (mounted === undefined) return null;
    const folder = join(mounted, own, `bifrost-bench-${pid}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'cgroup.procs'), String(pid));
    return folder;
  } catch {
    return null;
  }
}

function usageOf(folder: string): number {
  const [, us] = /^usage_usec (\d+)$/m.exec(readFileSync(join(folder, 'cpu.stat'), 'utf8')) ?? [];
  return Number(us) / 1000;
}
