import type { RunLimits } from '../../outcome/run-limits.js';
import type { RunnerSettings } from '../../config/slices.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { KINDS } from '../kinds/registry.js';

/** The limits of an execution that may take `timeoutMs`, of which compiling it took `spentMs`. */
export const runLimitsOf = (
  { limits }: Pick<RunnerSettings, 'limits'>,
  timeoutMs: number,
  spentMs = 0,
): RunLimits => ({
  timeoutMs,
  spentMs,
  ...limits,
});

/** What the kernel enforces on a whole runner process. */
export function resourceLimitsOf({ kind, limits, slots }: RunnerSettings): ResourceLimits {
  const { dataSlackMb } = KINDS[kind];
  return {
    dataMb: dataSlackMb === null ? null : limits.memoryMb + dataSlackMb,
    fileMb: limits.fileMb,
    openFiles: limits.openFiles * slots,
  };
}
