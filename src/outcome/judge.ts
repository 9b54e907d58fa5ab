import { ERROR_TYPES, type FailureCode, TIMEOUT_EXIT_CODE } from '../contract/failure.js';
import { codeOfLimit, diedOutOfMemory, limitBehind } from './limit-evidence.js';
import type { RunEnd } from './run-end.js';
import type { RunLimits } from './run-limits.js';

/** What an execution failed of. */
export interface Finding {
  code: FailureCode;
  message: string;
  errorType?: string;
  stack?: string | null;
  exitCode?: number | null;
  /** Another attempt cannot help: the code said so. */
  final?: boolean | undefined;
}

/**
 * Decides what the end of a run means. Order matters: what we did to the runner comes first, then
 * its own report, then how the process ended.
 */
export function judge(end: RunEnd, limits: RunLimits, isScript: boolean): Finding | null {
  if (end.cancel) return judgeCancelled(end);
  switch (end.verdict) {
    case 'timeout':
      return {
        code: 'TIMED_OUT',
        message: `The execution was killed at its time limit of ${limits.timeoutMs / 1000} s`,
        exitCode: TIMEOUT_EXIT_CODE,
      };
    case 'cpu':
      return {
        code: 'TIMED_OUT',
        message: `The execution was killed at its limit of ${(limits.cpuMs ?? 0) / 1000} s of CPU time`,
        exitCode: TIMEOUT_EXIT_CODE,
      };
    case 'scratch':
      return {
        code: 'OUTPUT_LIMIT',
        message: `The execution kept more than ${limits.scratchMb} MB in its scratch folder, each file counted with 1 KiB more`,
      };
    case 'memory':
      return {
        code: 'OUT_OF_MEMORY',
        message: `The execution used more than ${limits.memoryMb} MB of memory`,
      };
    case 'output':
      return {
        code: 'OUTPUT_LIMIT',
        message: `The execution printed without end; ${limits.outputBytes} bytes are kept`,
      };
    case 'protocol':
      return { code: 'PROTOCOL_VIOLATION', message: end.violation ?? 'The runner broke the protocol' };
    case 'interrupted':
    case 'cancelled':
      return { code: 'CANCELLED', message: 'The execution was interrupted' };
    case null:
      return judgeReport(end, isScript);
  }
}

/** Asked to end, whatever it did then is a cancelled execution; what it threw is worth knowing. */
function judgeCancelled({ report }: RunEnd): Finding {
  const finding: Finding = { code: 'CANCELLED', message: 'The execution was cancelled' };
  return report?.type === 'error' ? { ...finding, stack: report.stack } : finding;
}

function judgeReport(end: RunEnd, isScript: boolean): Finding | null {
  const { report, uncaught } = end;
  if (report?.type === 'result') return null;
  if (end.outOfMemory && report === null) return judgeDeath(end);
  if (report?.type === 'error') {
    const { code, name, message, stack, final } = report;
    const ofLimit = codeOfLimit(limitBehind(report));
    if (ofLimit !== null) return { code: ofLimit, message, stack, exitCode: 1 };
    const errorType = code === 'USER_ERROR' ? name : ERROR_TYPES[code];
    return { code, errorType, message, stack, exitCode: 1, final };
  }
  const exitCode = report?.type === 'exiting' ? report.exitCode : end.exit.exitCode;
  if (uncaught && exitCode !== 0) {
    const { code = 'USER_ERROR', name, message, stack, final } = uncaught;
    const ofLimit = codeOfLimit(limitBehind(uncaught));
    if (ofLimit !== null) return { code: ofLimit, message, stack, exitCode };
    const errorType = code === 'USER_ERROR' ? name : ERROR_TYPES[code];
    return { code, errorType, message, stack, exitCode, final };
  }
  if (report?.type !== 'exiting') return judgeDeath(end);
  return report.unsettled
    ? judgeUnsettled(report.exitCode, isScript)
    : judgeExitCode(report.exitCode, isScript);
}

/** Nothing is left that could settle what it waits for. Node ends a program with code 13 then. */
function judgeUnsettled(exitCode: number, isScript: boolean): Finding {
  const what = isScript ? 'A top-level await' : 'The promise that the function returned';
  return {
    code: 'USER_ERROR',
    errorType: 'UnsettledPromise',
    message: `${what} never settles: no timer, connection or other work is left that could settle it`,
    exitCode,
  };
}

/** The code called process.exit, or set process.exitCode and ran to its end. */
function judgeExitCode(exitCode: number, isScript: boolean): Finding | null {
  if (isScript && exitCode === 0) return null;
  const message = isScript
    ? `The code exited with code ${exitCode}`
    : `The code called process.exit(${exitCode}) before its function returned`;
  return { code: 'USER_ERROR', errorType: 'ProcessExit', message, exitCode };
}

function judgeDeath(end: RunEnd): Finding {
  const { exitCode, signal } = end.exit;
  if (end.outOfMemory) return { code: 'OUT_OF_MEMORY', message: 'The execution ran out of memory', exitCode };
  if (diedOutOfMemory(end.stderr)) {
    return { code: 'OUT_OF_MEMORY', message: 'The JavaScript heap ran out of memory', exitCode };
  }
  const how = signal ? `was killed by ${signal}` : `ended with exit code ${exitCode}`;
  return { code: 'RUNNER_CRASHED', message: `The runner ${how} without a result`, exitCode };
}
