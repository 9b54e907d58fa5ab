import type { DeliveryMark } from '../results/delivery-identity.js';
import type { Delivery } from '../results/result-publisher.js';
import type { JobRequest } from '../queue/parse-job.js';
import { type DeliveredJob, type OurTurn, queueTimes, UNKNOWN_TIMES } from '../queue/queue-times.js';

/** A delivery to come, and what log lines about it name. */
export interface TakenJob extends Delivery {
  jobId: string | undefined;
  /** The runner that carried it out, once there is one. */
  runnerId?: string;
}

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
  times: isParent ? UNKNOWN_TIMES : queueTimes(job, turn, Date.now()),
  mark: markOf(job),
  jobId: job.id,
});

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
