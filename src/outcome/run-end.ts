import type {
  CodePlace,
  ErrorFrame,
  ExitingFrame,
  ResultFrame,
  UncaughtFrame,
} from '../boundary/runner-frames.js';
import type { ShippedModule } from '../boundary/shipped-module.js';
import type { ExecutionProgress, LogEntry } from '../contract/result.js';
import type { ProcessEnd } from '../isolation/isolation-level.js';
import type { KernelUsage } from '../isolation/process-usage.js';

/** Why an execution is to be over: its own report, or what we found. */
export type StopCause =
  | 'reported'
  | 'timeout'
  | 'cpu'
  | 'memory'
  | 'scratch'
  | 'output'
  | 'protocol'
  | 'interrupted'
  | 'cancelled';

/** What the code was doing at its time limit. */
export type TimeoutTrace =
  | { kind: 'blocked'; places: CodePlace[] }
  | { kind: 'waiting'; resources: string[] };

/** Why we ended a run before it ended by itself. */
export type Verdict = Exclude<StopCause, 'reported'>;

/** Everything that was seen of one run; judge.ts decides what it means. */
export interface RunEnd {
  verdict: Verdict | null;
  /** It was signalled to end, by a request to cancel; null: it was not, or it ended before. */
  cancel: { signalledAt: Date; killedAt: Date | null } | null;
  /** What the runner did wrong, for the verdict `protocol`. */
  violation: string | null;
  /** The runner's own last word, if it had one. */
  report: ResultFrame | ErrorFrame | ExitingFrame | null;
  uncaught: UncaughtFrame | null;
  exit: ProcessEnd;
  /** Its thread could not be ended. */
  stuck: boolean;
  outOfMemory: boolean;
  /** Where it was at its time limit. */
  trace: TimeoutTrace | null;
  /** Everything that the runner was sent of the code. */
  modules: readonly ShippedModule[];
  rootUrl: string;
  durationMs: number;
  loadMs: number | null;
  progress: ExecutionProgress | null;
  stdout: string;
  stderr: string;
  logs: LogEntry[];
  logsTruncated: boolean;
  memorySamplesMb: number[];
  peakMb: number;
  /** Bytes that it had of the worker's network, both ways; null: it had none of it. */
  networkBytes: number | null;
  /** What the kernel says that this run used; its own report says it better. */
  kernelUsage: KernelUsage | null;
}
