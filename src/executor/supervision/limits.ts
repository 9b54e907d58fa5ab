import type { RunLimits } from '../../outcome/run-limits.js';
import type { OrganizationBounds } from '../../contract/execution.js';
import type { RunnerSettings } from '../../config/slices.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { KINDS } from '../kinds/registry.js';

/** What an execution may use of its limits, beside what the worker gives to all. */
export interface OwnLimits {
  timeoutMs: number;
  /** Part of `timeoutMs` that compiling it took. */
  spentMs?: number;
  /** Of its organization. */
  bounds?: OrganizationBounds | undefined;
}

/**
 * The limits of an execution. Those of its organization only narrow them. The memory of threads is that of their host,
 * which other executions use too: it is not narrowed.
 */
export function runLimitsOf(
  { limits, kind }: Pick<RunnerSettings, 'limits' | 'kind'>,
  { timeoutMs, spentMs = 0, bounds }: OwnLimits,
): RunLimits {
  const memoryMb = KINDS[kind].ownsProcess ? bounds?.memoryMb : null;
  const { cpuMs, fileMb, openFiles, scratchMb, cancelGraceMs } = limits;
  return {
    timeoutMs,
    spentMs,
    cpuMs,
    memoryMb: Math.min(limits.memoryMb, memoryMb ?? Number.POSITIVE_INFINITY),
    outputBytes: Math.min(limits.outputBytes, bounds?.outputBytes ?? Number.POSITIVE_INFINITY),
    fileMb,
    openFiles,
    scratchMb,
    cancelGraceMs,
  };
}

/** What the kernel enforces on a whole runner process. */
export function resourceLimitsOf({ kind, limits, slots }: RunnerSettings): ResourceLimits {
  const { dataSlackMb } = KINDS[kind];
  return {
    dataMb: dataSlackMb === null ? null : limits.memoryMb + dataSlackMb,
    fileMb: limits.fileMb,
    openFiles: limits.openFiles * slots,
  };
}
