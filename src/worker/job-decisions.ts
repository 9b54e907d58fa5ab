import { DelayedError, type Job, UnrecoverableError, WaitingChildrenError, WaitingError } from 'bullmq';
import { CompilerUnavailableError } from '../compile/compile-error.js';
import { FAILURES } from '../contract/failure.js';
import { Refusal } from '../contract/jobs/refusal.js';
import type { ExecutionResult } from '../contract/result.js';
import type { UnrunReason } from '../telemetry/measurements.js';
import { InterruptedError } from '../executor/cancellation.js';
import { type AttemptReport, codeOf, unrunReport } from '../outcome/attempt-report.js';
import { RunnerBootError } from '../executor/process/runner-spawn.js';
import type { FailedChild } from './flow-children.js';
import { isRedisAway } from '../redis/redis-errors.js';
import { MAX_LOST_WORKERS } from '../results/start-history.js';

/** The second attempt that meets a fault of the worker's own ends the execution: a third could spread it. */
const MAX_INTERNAL_ATTEMPTS = 2;

type Failed = Pick<ExecutionResult, 'error' | 'error_type' | 'failure' | 'status'>;

/** An attempt failed and the job has another: BullMQ delivers it again. Its stack is that of the user's code. */
export class AttemptFailedError extends Error {
  override name = 'AttemptFailedError';

  constructor(failed: Failed) {
    super(failed.error ?? failed.status);
    this.stack = stackOf(failed);
  }
}

/** The execution failed: BullMQ shows its job as failed, and never tries it again by itself. */
export class ExecutionFailedError extends UnrecoverableError {
  constructor(failed: Failed) {
    super(failed.error ?? failed.status);
    this.stack = stackOf(failed);
  }
}

const stackOf = ({ failure, error_type: type, error, status }: Failed): string =>
  failure?.stack ?? `${type ?? 'Error'}: ${error ?? status}`;

/** Whether an error is a decision of the main flow, made for BullMQ, and not a fault. */
export const isDecided = (error: unknown): boolean =>
  error instanceof WaitingError ||
  error instanceof DelayedError ||
  error instanceof WaitingChildrenError ||
  error instanceof UnrecoverableError ||
  error instanceof AttemptFailedError;

/** Whether the environment, and neither user code nor our own, kept an execution from ending. */
export const isEnvironmental = (error: unknown): boolean =>
  error instanceof InterruptedError ||
  error instanceof RunnerBootError ||
  error instanceof CompilerUnavailableError ||
  isRedisAway(error);

/** Whether a failed attempt is followed by another: only when the job asked for attempts and has one left. */
export function mayRetry(
  job: Pick<Job, 'attemptsMade' | 'opts'>,
  report: Pick<AttemptReport, 'finding' | 'cancel'>,
): boolean {
  const code = codeOf(report);
  if (code === null || report.finding?.final || !FAILURES[code].retry) return false;
  return job.attemptsMade + 1 < (job.opts.attempts ?? 1);
}

/** A job or context that cannot be used. */
export function refused(refusal: Refusal): AttemptReport {
  const evidence = refusal.field === undefined ? {} : { field: refusal.field };
  return unrunReport({ code: refusal.code, message: refusal.message }, { evidence });
}

/** An execution whose code was to start by a time that is over. */
export const expired = (expiresAtMs: number): AttemptReport =>
  unrunReport({
    code: 'EXPIRED',
    message: `No worker came to it before ${new Date(expiresAtMs).toISOString()}, by when it was to start`,
  });

/** A tick of a schedule that is not to run. */
export const passedOver = (reason: string): AttemptReport =>
  unrunReport({ code: 'SKIPPED', message: `The tick was passed over: ${reason}` });

/** A flow's parent that fails because of a child. */
export function childFailed({ jobId, queue, executionId, error }: FailedChild): AttemptReport {
  const child = executionId === null ? `job ${jobId}` : `${executionId} (job ${jobId})`;
  return unrunReport(
    {
      code: 'CHILD_FAILED',
      message: `Its child ${child} on the queue ${queue} failed${error === null ? '' : `: ${error}`}`,
    },
    { evidence: { child: { job_id: jobId, queue, execution_id: executionId, error } } },
  );
}

/** An execution whose workers died. */
export const stalledOut = (): AttemptReport =>
  unrunReport({
    code: 'STALLED_OUT',
    message: `The worker died or vanished ${MAX_LOST_WORKERS} times while it ran this execution; it is not tried again`,
  });

/**
 * An attempt that met an error outside user code.
 * @throws the error itself while it is worth another attempt.
 */
export function reportOfError(error: unknown, attempt: number): AttemptReport {
  if (error instanceof Refusal) return refused(error);
  if (isEnvironmental(error) || attempt < MAX_INTERNAL_ATTEMPTS) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  return unrunReport({ code: 'INTERNAL', message: `The worker failed ${attempt} times: ${reason}` });
}

/** Why a job ended although no code ran for it; null: code ran. For metrics. */
export function unrunReason({
  failure,
  metrics,
}: Pick<ExecutionResult, 'failure' | 'metrics'>): UnrunReason | null {
  switch (failure?.code) {
    case 'INVALID_JOB':
    case 'CONTEXT_NOT_FOUND':
      return 'refused';
    case 'SECRET_UNAVAILABLE':
    case 'QUOTA_EXCEEDED':
      return 'refused';
    case 'CHILD_FAILED':
      return 'child-failed';
    case 'EXPIRED':
      return 'expired';
    case 'SKIPPED':
      return 'skipped';
    case 'STALLED_OUT':
      return 'stalled-out';
    case 'CANCELLED':
      return metrics.run_ms == null ? 'cancelled' : null;
    default:
      return null;
  }
}
