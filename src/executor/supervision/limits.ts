import type { RunLimits } from '../../outcome/run-limits.js';
import { capacityOf } from '../../config/capacity.js';
import type { Settings } from '../../config/settings.js';
import type { ResourceLimits } from '../../boundary/runner-limits.js';
import { kindOf } from '../kinds/registry.js';

/** The limits of an execution that may take `timeoutMs`, of which compiling it took `spentMs`. */
export const runLimitsOf = (settings: Settings, timeoutMs: number, spentMs = 0): RunLimits => ({
  timeoutMs,
  spentMs,
  cpuMs: settings.CPU_LIMIT_SECONDS === undefined ? null : settings.CPU_LIMIT_SECONDS * 1000,
  memoryMb: settings.MEMORY_LIMIT_MB,
  outputBytes: settings.OUTPUT_LIMIT_BYTES,
  fileMb: settings.FILE_SIZE_LIMIT_MB,
  openFiles: settings.OPEN_FILES_LIMIT,
  scratchMb: settings.SCRATCH_LIMIT_MB,
  cancelGraceMs: settings.CANCEL_GRACE_SECONDS * 1000,
});

/** What the kernel enforces on a whole runner process. */
export function resourceLimitsOf(settings: Settings): ResourceLimits {
  const { slots } = capacityOf(settings);
  const { dataSlackMb } = kindOf(settings);
  return {
    dataMb: dataSlackMb === null ? null : settings.MEMORY_LIMIT_MB + dataSlackMb,
    fileMb: settings.FILE_SIZE_LIMIT_MB,
    openFiles: settings.OPEN_FILES_LIMIT * slots,
  };
}
