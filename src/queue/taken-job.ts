import type { Job } from 'bullmq';
import type { Turn } from '../results/execution-ledger.js';
import type { Delivery } from '../results/result-publisher.js';
import type { JobRequest } from './parse-job.js';

/** A turn that makes this worker responsible for the end of the execution. */
export type OurTurn = Extract<Turn, { kind: 'ours' | 'exhausted' }>;

/** A delivery to come, and what log lines about it name. */
export interface TakenJob extends Delivery {
  jobId: string | undefined;
  /** The runner that carried it out, once there is one. */
  runnerId?: string;
}

/** What is known of a job once its execution is this worker's. */
export const takenJob = (job: Job, request: JobRequest, turn: OurTurn): TakenJob & JobRequest => ({
  ...request,
  attempt: startedAttempts(turn),
  queuedMs: Math.max(0, Date.now() - job.timestamp - job.delay),
  jobId: job.id,
});

/** A turn that only ends a cancelled execution is no attempt. */
const startedAttempts = ({ attempt, cancel }: OurTurn): number =>
  cancel ? Math.max(1, attempt - 1) : attempt;

/** What a log line names. */
export const namesOf = ({ executionId, jobId, attempt, runnerId }: TakenJob) => ({
  executionId,
  jobId,
  attempt,
  runnerId,
});

/** What a span of a trace names. */
export const traceOf = ({ executionId, jobId = '', attempt, kind, queuedMs: waited }: TakenJob) => ({
  'bifrost.execution.id': executionId,
  'bifrost.execution.kind': kind,
  'bifrost.attempt': attempt,
  'bifrost.job.id': jobId,
  'bifrost.queue_ms': waited,
});
