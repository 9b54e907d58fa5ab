import type { Job } from 'bullmq';
import type { DeliveryMark } from '../results/delivery-identity.js';
import type { Turn } from '../results/execution-ledger.js';
import type { Delivery, QueueTimes } from '../results/result-publisher.js';
import type { JobRequest } from './parse-job.js';

/** A turn that makes this worker responsible for the end of the execution. */
export type OurTurn = Extract<Turn, { kind: 'ours' | 'exhausted' }>;

/** A delivery to come, and what log lines about it name. */
export interface TakenJob extends Delivery {
  jobId: string | undefined;
  /** The runner that carried it out, once there is one. */
  runnerId?: string;
}

/** What BullMQ says of a job when it delivers it. */
export type DeliveredJob = Pick<
  Job,
  'id' | 'timestamp' | 'attemptsMade' | 'stalledCounter' | 'opts' | 'deduplicationId'
>;

/** How often BullMQ has taken and ended the job, for the ledger. */
export const markOf = (job: DeliveredJob): DeliveryMark => ({
  jobId: job.id ?? '',
  addedAtMs: job.timestamp || 0,
  ends: job.attemptsMade,
  stalls: job.stalledCounter,
});

/** What is known of a job once its execution is this worker's. `isParent`: it waited for children. */
export const takenJob = (
  job: DeliveredJob,
  request: JobRequest,
  turn: OurTurn,
  isParent: boolean,
): TakenJob & JobRequest => ({
  ...request,
  run: turn.run,
  attempt: startedAttempts(turn),
  times: isParent ? UNKNOWN : queueTimes(job, turn, Date.now()),
  mark: markOf(job),
  jobId: job.id,
});

const UNKNOWN: QueueTimes = { queue: null, delay: null, backoff: null };

/**
 * How long an execution was ready to be taken, and how long it was not because its job asked for that.
 * Not known of a further run, since BullMQ does not say when it was asked for, and after a lost worker.
 */
export function queueTimes(
  { timestamp, opts }: Pick<DeliveredJob, 'timestamp' | 'opts'>,
  turn: OurTurn,
  nowMs: number,
): QueueTimes {
  if (turn.kind === 'exhausted') return UNKNOWN;
  if (turn.freed) {
    const waitedMs = Math.max(0, nowMs - turn.freed.atMs);
    const backoff = Math.min(turn.freed.pauseMs, waitedMs);
    return { queue: waitedMs - backoff, delay: null, backoff: turn.freed.pauseMs > 0 ? backoff : null };
  }
  if (turn.run > 1 || turn.attempt > 1 || !(timestamp > 0)) return UNKNOWN;
  const waitedMs = Math.max(0, nowMs - timestamp);
  const asked = opts.delay ?? 0;
  const delay = Math.min(asked, waitedMs);
  return { queue: waitedMs - delay, delay: asked > 0 ? delay : null, backoff: null };
}

/** A turn that only ends a cancelled execution is no attempt. */
const startedAttempts = ({ attempt, cancel }: OurTurn): number =>
  cancel ? Math.max(1, attempt - 1) : attempt;

/** What a log line names. */
export const namesOf = ({ executionId, jobId, run, attempt, runnerId }: TakenJob) => ({
  executionId,
  jobId,
  ...(run > 1 ? { run } : {}),
  attempt,
  runnerId,
});

/** What a span of a trace names. */
export const traceOf = ({ executionId, jobId = '', run, attempt, kind, times }: TakenJob) => ({
  'bifrost.execution.id': executionId,
  'bifrost.execution.kind': kind,
  'bifrost.run': run,
  'bifrost.attempt': attempt,
  'bifrost.job.id': jobId,
  'bifrost.queue_ms': times.queue ?? 0,
});
