import { capacityOf } from '../../config/capacity.js';
import type { Settings } from '../../config/settings.js';
import { kindOf } from '../kinds/registry.js';

const MAX_DEFAULT_SPARES = 8;

type Sizes = Pick<
  Settings,
  'SPARE_RUNNERS' | 'RUNNER' | 'RUNNER_MAX_EXECUTIONS' | 'RUNNER_THREADS' | 'CONCURRENCY'
>;

/**
 * How many runners are to be ready that have served no execution yet.
 * @param idle runners that have served a key and wait for more executions of it
 */
export function sparesWanted(settings: Sizes, idle: number): number {
  const { SPARE_RUNNERS, RUNNER_MAX_EXECUTIONS } = settings;
  const { ownsProcess } = kindOf(settings);
  const { processes } = capacityOf(settings);
  const target = SPARE_RUNNERS ?? (ownsProcess ? Math.min(processes, MAX_DEFAULT_SPARES) : 1);
  if (RUNNER_MAX_EXECUTIONS === 1 && ownsProcess) return target;
  // Runners that wait for their key do the work of spares.
  return Math.max(target - idle, Math.min(target, 1));
}

/** Runners that wait for their key beyond what the concurrency can use. */
export const idleExcess = (settings: Sizes, idle: number): number =>
  Math.max(idle - capacityOf(settings).processes, 0);
