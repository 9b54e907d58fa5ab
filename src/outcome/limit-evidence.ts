import type { FailureCode } from '../contract/failure.js';
import type { LimitHit } from '../boundary/runner-limits.js';
import type { RunLimits } from './run-limits.js';
import type { Verdict } from './run-end.js';

/** What a thrown error says when memory ran out; narrow, because the words of a thrown error may be the user's. */
const THROWN_OUT_OF_MEMORY =
  /^Array buffer allocation failed|heap out of memory|^WebAssembly\.Memory\(\): could not allocate memory/;
/** V8's and Node's last words then. */
const LAST_WORDS_OUT_OF_MEMORY =
  /heap out of memory|Fatal (process|JavaScript) out of memory|invalid (array|size) |Allocation failed|Array buffer allocation failed/;

/** Whether a process that left these words on stderr died for want of memory. */
export const diedOutOfMemory = (stderr: string): boolean => LAST_WORDS_OUT_OF_MEMORY.test(stderr);

/** The limit that an error of user code comes from; null: it is the code's own. */
export function limitBehind({
  message,
  limit,
}: {
  message: string;
  limit?: LimitHit | null | undefined;
}): LimitHit | null {
  return THROWN_OUT_OF_MEMORY.test(message) ? 'memory' : (limit ?? null);
}

/** Code of the failure when an execution ends with the error of a limit; null: that of any error. */
export function codeOfLimit(limit: LimitHit | null): FailureCode | null {
  switch (limit) {
    case 'memory':
      return 'OUT_OF_MEMORY';
    case 'file-size':
      return 'OUTPUT_LIMIT';
    case 'open-files':
    case 'processes':
    case null:
      return null;
  }
}

/** Names the limit that an error of user code comes from. */
export function describeLimit(limit: LimitHit, limits: RunLimits): string {
  switch (limit) {
    case 'memory':
      return `${limits.memoryMb} MB of memory`;
    case 'file-size':
      return `${limits.fileMb} MB in one file`;
    case 'open-files':
      return `${limits.openFiles} open files`;
    case 'processes':
      return 'no processes or threads of its own';
  }
}

/** Names the limit for which we ended a run; null: it was none. */
export function describeVerdict(verdict: Verdict | null, limits: RunLimits): string | null {
  switch (verdict) {
    case 'timeout':
      return `${limits.timeoutMs / 1000} s of time`;
    case 'cpu':
      return `${(limits.cpuMs ?? 0) / 1000} s of CPU time`;
    case 'memory':
      return describeLimit('memory', limits);
    case 'scratch':
      return `${limits.scratchMb} MB in the scratch folder`;
    case 'output':
      return `${limits.outputBytes} bytes of output kept`;
    case 'protocol':
    case 'interrupted':
    case 'cancelled':
    case null:
      return null;
  }
}
