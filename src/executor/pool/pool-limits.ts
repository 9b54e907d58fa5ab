import { capacityOf } from '../../config/capacity.js';
import type { Settings } from '../../config/settings.js';
import { kindOf } from '../kinds/registry.js';

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

export function poolLimitsOf(settings: Settings): PoolLimits {
  const { slots, processes } = capacityOf(settings);
  const usualSpares = kindOf(settings).ownsProcess ? Math.min(processes, MAX_DEFAULT_SPARES) : 1;
  return {
    slots,
    processes,
    spares: settings.SPARE_RUNNERS ?? usualSpares,
    maxExecutions: settings.RUNNER_MAX_EXECUTIONS,
    maxAgeMs: settings.RUNNER_MAX_AGE_SECONDS * 1000,
    memoryMb: settings.RUNNER_RECYCLE_MEMORY_MB,
  };
}
