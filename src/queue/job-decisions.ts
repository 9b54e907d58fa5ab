import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import { CompilerUnavailableError } from '../compile/compile-error.js';
import type { FailureCode } from '../contract/failure.js';
import { Refusal } from '../contract/refusal.js';
import type { Outcome } from '../contract/result.js';
import { InterruptedError } from '../executor/cancellation.js';
import { type Finding, refusedOutcome } from '../executor/outcome.js';
import { RunnerBootError } from '../executor/runner-spawn.js';
import { MAX_LOST_WORKERS } from '../results/execution-ledger.js';

/** Failures that another attempt cannot mend, whatever the job asks for. */
const FINAL: ReadonlySet<FailureCode> = new Set([
  'INVALID_JOB',
  'CONTEXT_NOT_FOUND',
  'CANCELLED',
  'PACKAGE_REFUSED',
  'COMPILE_LIMIT',
  'STALLED_OUT',
  'INTERNAL',
]);

/** The second attempt that meets a fault of the worker's own ends the execution: a third could spread it. */
const MAX_INTERNAL_ATTEMPTS = 2;

/** An attempt failed and the job has another: BullMQ applies the job's back-off. */
export class AttemptFailedError extends Error {
  override name = 'AttemptFailedError';
}

/** Whether an error is a decision of the main flow, made for BullMQ, and not a fault. */
export const isDecided = (error: unknown): boolean =>
  error instanceof WaitingError ||
  error instanceof DelayedError ||
  error instanceof UnrecoverableError ||
  error instanceof AttemptFailedError;

/** Whether the environment, and neither user code nor our own, kept an execution from ending. */
export const isEnvironmental = (error: unknown): boolean =>
  error instanceof InterruptedError ||
  error instanceof RunnerBootError ||
  error instanceof CompilerUnavailableError;

/** Whether a failed attempt is followed by another: only when the job asked for attempts and has one left. */
export function mayRetry(job: Pick<Job, 'attemptsMade' | 'opts'>, outcome: Outcome): boolean {
  const { failure } = outcome;
  if (failure === null || failure.retryable === false || FINAL.has(failure.code)) return false;
  return job.attemptsMade + 1 < (job.opts.attempts ?? 1);
}

/** Outcome of a job or context that cannot be used. */
export function refused(refusal: Refusal): Outcome {
  const evidence = refusal.field === undefined ? {} : { field: refusal.field };
  return outcomeNow({ code: refusal.code, message: refusal.message }, evidence);
}

/** Outcome of an execution whose workers died. */
export const stalledOut = (): Outcome =>
  outcomeNow({
    code: 'STALLED_OUT',
    message: `The worker died or vanished ${MAX_LOST_WORKERS} times while it ran this execution; it is not tried again`,
  });

/**
 * Outcome of an attempt that met an error outside user code.
 * @throws the error itself while it is worth another attempt.
 */
export function outcomeOfError(error: unknown, attempt: number): Outcome {
  if (error instanceof Refusal) return refused(error);
  if (isEnvironmental(error) || attempt < MAX_INTERNAL_ATTEMPTS) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  return outcomeNow({ code: 'INTERNAL', message: `The worker failed ${attempt} times: ${reason}` });
}

function outcomeNow(finding: Finding, evidence = {}): Outcome {
  const now = new Date();
  return refusedOutcome(finding, { startedAt: now, finishedAt: now }, evidence);
}
