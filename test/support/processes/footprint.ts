import { readdir, readlink } from 'node:fs/promises';
import type { WorkerRecord } from '../../../src/contract/worker-record.js';
import { descendantsOf } from '../../../src/lib/process/process-tree.js';

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
export async function footprintOf(pid: number, record: WorkerRecord, tmpDir: string): Promise<Footprint> {
  const children = descendantsOf(pid);
  return {
    processes: children.length,
    descriptors: (await descriptorsOf(pid)).filter((target) => !isReadingOf(target, children)).length,
    files: (await readdir(tmpDir, { recursive: true })).length,
    slots: record.running + record.runners.reduce((sum, { current }) => sum + current.length, 0),
  };
}

async function descriptorsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const names = await readdir(folder);
  return Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => 'closed meanwhile')));
}

/** What the worker reads of a runner that lives is opened when it is first read; of a dead one it is a leak. */
const isReadingOf = (target: string, living: readonly number[]): boolean =>
  living.includes(Number(/^\/proc\/(\d+)\/stat/.exec(target)?.[1]));
