import { readdirSync, readFileSync } from 'node:fs';
import type { WorkerRecord } from '../../src/contract/worker-record.js';
import type { WorkerProcess } from './worker-process.js';

/** What a worker holds on the machine, as others than the worker see it. */
export interface Footprint {
  /** Its processes: runners and what they started. */
  processes: number;
  descriptors: number;
  /** Files and folders in its folder for temporary ones; start it with TMPDIR set to one of its own. */
  files: number;
  /** Executions that it says are running, or that a runner is taken for. */
  slots: number;
}

/** @param tmpDir the worker's TMPDIR */
export async function footprintOf(worker: WorkerProcess, id: string, tmpDir: string): Promise<Footprint> {
  const record = await recordOf(worker, id);
  return {
    processes: childrenOf(worker.pid).length,
    descriptors: readdirSync(`/proc/${worker.pid}/fd`).length,
    files: readdirSync(tmpDir, { recursive: true }).length,
    slots: record.running + record.runners.reduce((sum, { current }) => sum + current.length, 0),
  };
}

/** @throws {Error} when no worker of this id is alive. */
export async function recordOf(worker: WorkerProcess, id: string): Promise<WorkerRecord> {
  const { workers } = (await (await fetch(`${worker.url}/workers`)).json()) as { workers: WorkerRecord[] };
  const record = workers.find((one) => one.id === id);
  if (!record) throw new Error(`no worker ${id} is alive`);
  return record;
}

/** Pids of all descendants. */
export function childrenOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended meanwhile.
    }
  }
  const found = [pid];
  for (let i = 0; i < found.length; i++)
    for (const [child, parent] of parents) if (parent === found[i]) found.push(child);
  return found.slice(1);
}
