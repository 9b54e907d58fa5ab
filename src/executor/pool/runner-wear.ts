import type { PoolLimits } from './pool-limits.js';
import type { RunnerView } from './pool-view.js';

/** Whether the runner may go on after the execution that is about to start on it. */
export function servesAgain(runner: RunnerView, { maxExecutions }: PoolLimits): boolean {
  if (maxExecutions === 1) return false;
  // A host counts for each of its threads.
  return !runner.ownsProcess || maxExecutions === 0 || runner.executions + 1 < maxExecutions;
}

/** Why a runner is replaced after an execution; null: it is not. */
export function wearOf(runner: RunnerView, limits: PoolLimits, nowMs: number): string | null {
  const { maxExecutions, maxAgeMs, memoryMb } = limits;
  if (runner.unfit !== null || maxExecutions === 1) return runner.unfit;
  if (runner.ownsProcess && maxExecutions > 0 && runner.executions >= maxExecutions)
    return `${runner.executions} executions`;
  if (nowMs - runner.bornAtMs > maxAgeMs) return 'age';
  return (runner.keptMemoryMb ?? 0) > memoryMb ? 'memory' : null;
}
