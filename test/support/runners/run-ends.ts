import type { ErrorFrame, ExitingFrame, ResultFrame } from '../../../src/boundary/runner-frames.js';
import type { RunLimits } from '../../../src/outcome/run-limits.js';
import type { RunEnd } from '../../../src/outcome/run-end.js';

export const LIMITS: RunLimits = {
  spentMs: 0,
  timeoutMs: 1500,
  cpuMs: 700,
  memoryMb: 256,
  outputBytes: 4096,
  fileMb: 64,
  openFiles: 100,
  scratchMb: 64,
  cancelGraceMs: 1000,
};
const USAGE = { userMs: 120, systemMs: 30, maxRssMb: 61.237 };

/** A process that ended with exit code 0 and said nothing. */
export const anEnd = (changes: Partial<RunEnd> = {}): RunEnd => ({
  verdict: null,
  cancel: null,
  violation: null,
  report: null,
  uncaught: null,
  exit: { exitCode: 0, signal: null },
  durationMs: 1234.5678,
  loadMs: null,
  progress: null,
  stdout: '',
  stderr: '',
  logs: [],
  logsTruncated: false,
  memorySamplesMb: [],
  peakMb: 0,
  networkBytes: null,
  kernelUsage: null,
  stuck: false,
  outOfMemory: false,
  trace: null,
  modules: [],
  rootUrl: 'file:///tmp/bifrost/workspace/',
  ...changes,
});

export const KILLED = { exitCode: null, signal: 'SIGKILL' } as const;
export const aResult = (value?: unknown): ResultFrame => ({
  type: 'result',
  value,
  variables: {},
  usage: USAGE,
});
export const anExit = (exitCode: number): ExitingFrame => ({
  type: 'exiting',
  exitCode,
  variables: {},
  usage: USAGE,
});
export const anError = (changes: Partial<ErrorFrame> = {}): ErrorFrame => ({
  type: 'error',
  code: 'USER_ERROR',
  name: 'TypeError',
  message: 'no',
  stack: 'TypeError: no\n    at f (main.ts:1:1)',
  variables: {},
  usage: USAGE,
  ...changes,
});
export const anUncaught = (message = 'no') => ({
  type: 'uncaught' as const,
  name: 'RangeError',
  message,
  stack: 'RangeError: no',
});
