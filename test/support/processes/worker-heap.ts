import { heapMbAt } from '../../../bench/harness/process-tree.ts';
import { until } from '../until.js';
import type { WorkerProcess } from './worker-process.js';

/** What the environment of a worker needs for {@link heapMbOf}. */
export const WITH_INSPECTOR = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

/** JavaScript heap of a worker in MB, right after a full garbage collection. */
export async function heapMbOf(worker: WorkerProcess): Promise<number> {
  const address = await until(
    () => worker.output.map((line) => /^Debugger listening on (ws:\S+)/.exec(line)?.[1]).find(Boolean),
    { what: "the worker's inspector listens" },
  );
  return heapMbAt(address);
}
