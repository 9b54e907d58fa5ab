import type { Job } from 'bullmq';
import type { JobKind } from '../contract/jobs/job.js';
import { returnValueOf } from '../contract/jobs/job-return.js';
import type { ExecutionResult } from '../contract/result.js';
import { toTaskResult } from '../contract/clients/task-result.js';
import { ExecutionFailedError } from './job-decisions.js';

/** What BullMQ and the readers of the queue see of a job, beside what {@link endOf} returns. */
type EndedJob = Pick<Job, 'log' | 'opts' | 'deduplicationId' | 'removeDeduplicationKey'>;

/**
 * What a job ends with: the value that its execution returned, bounded; of a task what it printed.
 * @param key Redis key of the result document
 * @throws {ExecutionFailedError} when the execution failed
 */
export function endOf(result: ExecutionResult, kind: JobKind, key: string): unknown {
  if (!result.success) throw new ExecutionFailedError(result);
  const value = kind === 'task' ? toTaskResult(result).result : result.result;
  return returnValueOf(value, result.execution_id, key);
}

/** Leaves a line in the log of the job, where boards show it. Never rejects: the line is a courtesy. */
export async function note(job: EndedJob, line: string): Promise<void> {
  await job.log(line).catch(() => undefined);
}

/** Where to look for what an execution printed. */
export const whereLogsAre = (executionId: string): string =>
  `Logs: GET /executions/${encodeURIComponent(executionId)}/logs, or: bifrost logs ${executionId}`;

/** Line for a job whose execution had ended before. */
export const notRunLine = ({ execution_id: id, finished_at: at, status, run = 1 }: ExecutionResult): string =>
  `Not run: ${id} has had its result since ${at} (${status}${run > 1 ? `, run ${run}` : ''}), and this job ends with that. ` +
  'To have it run again, add it with "again": true in its data';

/**
 * Frees the job's deduplication id before its result can be read: its reader may add the next job at once.
 * An id that is to outlast the job, by `ttl` or `keepLastIfActive`, stays.
 */
export async function freeDeduplicationId(job: EndedJob): Promise<void> {
  const { deduplication } = job.opts;
  if (!job.deduplicationId || deduplication?.ttl || deduplication?.keepLastIfActive) return;
  await job.removeDeduplicationKey().catch(() => undefined);
}

/** Takes away from what BullMQ has in hand whatever would keep it from finishing a job that is refused for it. */
export function makeFinishable(job: EndedJob): void {
  const { removeOnComplete: _complete, removeOnFail: _fail, backoff: _backoff, ...opts } = job.opts;
  job.opts = { ...opts, attempts: 1 };
}

/** BullMQ never delivers the job again by itself, also where it cannot complete it. */
export function allowNoRetry(job: EndedJob): void {
  if (job.opts.attempts !== 1) job.opts = { ...job.opts, attempts: 1 };
}
