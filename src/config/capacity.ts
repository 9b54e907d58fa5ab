import { KIND_RULES } from './kind-rules.js';
import type { Settings } from './settings.js';

/** How many executions a worker carries out at once, and in how many processes. */
export interface Capacity {
  /** Executions that one runner process takes at once. */
  slots: number;
  /** Runner processes that it takes to reach the concurrency. */
  processes: number;
  concurrency: number;
}

/** With threads the wanted concurrency is rounded up to whole processes. */
export function capacityOf({
  RUNNER,
  RUNNER_THREADS,
  CONCURRENCY,
}: Pick<Settings, 'RUNNER' | 'RUNNER_THREADS' | 'CONCURRENCY'>): Capacity {
  const slots = KIND_RULES[RUNNER].slots({ RUNNER_THREADS });
  const processes = Math.ceil(CONCURRENCY / slots);
  return { slots, processes, concurrency: processes * slots };
}
