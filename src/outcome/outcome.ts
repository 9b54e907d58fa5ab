import { type FailureCode, FAILURES, TIMEOUT_EXIT_CODE } from '../contract/failure.js';
import type { Evidence, Outcome } from '../contract/result.js';
import type { CodePlace, ErrorFrame } from '../boundary/runner-frames.js';
import { NO_SUBJECT } from '../contract/subject.js';
import { localsEvidence, timeoutEvidence } from './blocked-stack.js';
import {
  codeOfLimit,
  describeLimit,
  describeVerdict,
  diedOutOfMemory,
  limitBehind,
} from './limit-evidence.js';
import type { RunLimits } from './run-limits.js';
import type { OriginalPlaces } from './original-places.js';
import type { RunEnd } from './run-end.js';

/** What an execution failed of; the rest of the outcome is the same for all. */
export interface Finding {
  code: FailureCode;
  message: string;
  errorType?: string;
  stack?: string | null;
  exitCode?: number | null;
  /** Another attempt cannot help: the code said so. */
  final?: boolean | undefined;
}

const STDERR_TAIL_CHARS = 8192;

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

/** Told to end, whatever it did then is a cancelled execution; what it threw is worth knowing. */
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
    const errorType = code === 'USER_ERROR' ? name : FAILURES[code].errorType;
    return { code, errorType, message, stack, exitCode: 1, final };
  }
  if (uncaught && end.exit.exitCode !== 0) {
    const { name, message, stack, final } = uncaught;
    const exitCode = end.exit.exitCode;
    const ofLimit = codeOfLimit(limitBehind(uncaught));
    if (ofLimit !== null) return { code: ofLimit, message, stack, exitCode };
    return { code: 'USER_ERROR', errorType: name, message, stack, exitCode, final };
  }
  return report?.type === 'exiting' ? judgeExitCode(report.exitCode, isScript) : judgeDeath(end);
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

/** What every outcome carries, whether code ran or not. */
export interface Timing {
  startedAt: Date;
  finishedAt: Date;
}

/** What is known beside the end of a run. */
export interface RunFacts extends Timing {
  limits: RunLimits;
  /** Of the places that {@link placesIn} names. */
  originals: OriginalPlaces;
}

/** Every place of compiled code that the outcome may show. */
export const placesIn = (end: RunEnd): readonly CodePlace[] => [
  ...(end.trace?.kind === 'blocked' ? end.trace.places : []),
  ...(localsOf(end) ?? []),
];

/** The outcome of an execution whose code ran. */
export function outcomeOf(end: RunEnd, finding: Finding | null, timing: RunFacts): Outcome {
  const report = end.report;
  const usage = report?.usage;
  const userMs = usage?.userMs ?? end.kernelUsage?.userMs ?? null;
  const systemMs = usage?.systemMs ?? end.kernelUsage?.systemMs ?? null;
  return {
    ...emptyOutcome(timing),
    ...(finding ? failureFields(finding, evidenceOf(end, finding, timing)) : {}),
    result: finding === null && report?.type === 'result' ? (report.value ?? null) : null,
    duration_ms: round(end.durationMs),
    exit_code: finding ? (finding.exitCode ?? end.exit.exitCode) : 0,
    logs: end.logs,
    logs_truncated: end.logsTruncated,
    progress: end.progress,
    stdout: end.stdout,
    stderr: end.stderr,
    variables: report?.variables ?? {},
    metrics: {
      peak_memory_mb: round(Math.max(end.peakMb, usage?.maxRssMb ?? 0)),
      user_time_seconds: userMs === null ? null : userMs / 1000,
      system_time_seconds: systemMs === null ? null : systemMs / 1000,
      module_load_ms: end.loadMs === null ? null : round(end.loadMs),
      run_ms: round(end.durationMs),
    },
  };
}

/** The outcome of an execution whose code never ran. */
export function refusedOutcome(finding: Finding, timing: Timing, evidence: Evidence = {}): Outcome {
  return {
    ...emptyOutcome(timing),
    ...failureFields(finding, evidence),
    exit_code: finding.exitCode ?? null,
  };
}

function emptyOutcome({ startedAt, finishedAt }: Timing): Outcome {
  return {
    ...NO_SUBJECT,
    success: true,
    status: 'succeeded',
    result: null,
    error: null,
    error_type: null,
    failure: null,
    duration_ms: finishedAt.getTime() - startedAt.getTime(),
    started_at: startedAt.toISOString(),
    finished_at: finishedAt.toISOString(),
    logs: [],
    logs_truncated: false,
    progress: null,
    stdout: '',
    stderr: '',
    exit_code: null,
    variables: {},
    metrics: {},
    workspace_generation: null,
    package_set: null,
  };
}

function failureFields(finding: Finding, evidence: Evidence): Partial<Outcome> {
  const { status, errorType } = FAILURES[finding.code];
  return {
    success: false,
    status,
    error: finding.message,
    error_type: finding.errorType ?? errorType,
    failure: {
      code: finding.code,
      message: finding.message,
      stack: finding.stack ?? null,
      ...(finding.final ? { retryable: false } : {}),
      evidence,
    },
  };
}

/** After a report or a verdict the process ended by our hand: how says nothing. */
const endedByItself = (end: RunEnd): boolean =>
  end.verdict === null && (end.report === null || end.report.type === 'exiting');

const evidenceOf = (end: RunEnd, finding: Finding, { limits, originals }: RunFacts): Evidence => ({
  ...(endedByItself(end) ? { exit_code: end.exit.exitCode, signal: end.exit.signal } : {}),
  ...(end.stderr === '' ? {} : { stderr_tail: end.stderr.slice(-STDERR_TAIL_CHARS) }),
  ...traceEvidence(end, originals),
  ...localsEvidence(localsOf(end), originals),
  ...(end.stuck ? { stuck: true } : {}),
  ...fieldEvidence(end),
  ...limitEvidence(end, finding, limits),
  ...(end.memorySamplesMb.length === 0 ? {} : { memory_samples_mb: end.memorySamplesMb }),
});

const localsOf = ({ report, uncaught }: RunEnd): ErrorFrame['locals'] =>
  report?.type === 'error' ? report.locals : uncaught?.locals;

function fieldEvidence({ report }: RunEnd): Evidence {
  const fields = report?.type === 'error' ? report.fields : undefined;
  return fields?.[0] ? { field: fields[0].field, fields } : {};
}

function traceEvidence({ verdict, trace }: RunEnd, originals: OriginalPlaces): Evidence {
  // Code that has used up its CPU time was not waiting, even if its event loop is free at that moment.
  const says = verdict === 'timeout' || (verdict === 'cpu' && trace?.kind === 'blocked');
  return says ? timeoutEvidence(trace, originals) : {};
}

function limitEvidence(
  { verdict, report, uncaught }: RunEnd,
  { code }: Finding,
  limits: RunLimits,
): Evidence {
  const thrown = report?.type === 'error' ? report : uncaught;
  const behind = code === 'OUT_OF_MEMORY' ? 'memory' : thrown && limitBehind(thrown);
  const limit = describeVerdict(verdict, limits) ?? (behind && describeLimit(behind, limits));
  if (limit) return { limit };
  return code === 'OUTPUT_LIMIT' ? { limit: `${limits.outputBytes} bytes of a returned value` } : {};
}

const round = (value: number): number => Math.round(value * 100) / 100;
