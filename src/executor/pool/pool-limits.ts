import type { RunnerSettings } from '../../config/slices.js';
import { KINDS } from '../kinds/registry.js';

const MAX_DEFAULT_SPARES = 8;

/** What the pool plans by. */
export interface PoolLimits {
  /** Executions that one runner takes at once. */
  slots: number;
  /** Runners that the concurrency can use. */
  processes: number;
  /** Runners to have ready that have served no execution yet, while none waits for its key. */
  spares: number;
  /** After this many executions a runner is replaced. 0: never for that reason. */
  maxExecutions: number;
  /** A runner that has served and is older is replaced. */
  maxAgeMs: number;
  /** A runner that keeps more memory after an execution is replaced. */
  memoryMb: number;
}

export function poolLimitsOf(settings: RunnerSettings): PoolLimits {
  const { slots, processes, kind } = settings;
  const usualSpares = KINDS[kind].ownsProcess ? Math.min(processes, MAX_DEFAULT_SPARES) : 1;
  return {
    slots,
    processes,
    spares: settings.spares ?? usualSpares,
    maxExecutions: settings.maxExecutions,
    maxAgeMs: settings.maxAgeMs,
    memoryMb: settings.recycleMemoryMb,
  };
}
