import type { Job } from 'bullmq';
import type { LoadedExecution } from '../context/context.service.js';
import type { Stops } from '../executor/cancellation.js';
import type { Soon } from '../lib/soon.js';
import type { JobRequest } from '../queue/parse-job.js';
import type { DeliveredJob } from '../queue/queue-times.js';
import type { AttemptRecord } from '../contract/result.js';
import type { OurTurn, Turn } from '../results/turn.js';
import type { DeliveryMark } from '../results/delivery-identity.js';
import type { AttemptReport } from '../outcome/attempt-report.js';
import type { QueueTimes } from '../outcome/receipt.js';
import type { AttemptOf } from '../results/result-author.js';
import type { Family } from './flow-children.js';

/**
 * One job that BullMQ has handed to this worker, on its way through the steps of the main flow. No step
 * changes it: a step that learns something returns it.
 */
export interface Delivery {
  readonly job: Job;
  /** BullMQ's lock on the job. */
  readonly token: string;
  /** What the job asks for. */
  readonly request: JobRequest;
  /** How often BullMQ has taken and ended the job, for the ledger. */
  readonly mark: DeliveryMark;
  /** What may end it from outside: nothing does once they are disposed of. */
  readonly stops: Stops & Disposable;
  /** What it is to do; a failure counts when that is awaited, and not before. */
  readonly loading: Soon<LoadedExecution>;
  /** What is known before it may run. */
  readonly before: Soon<BeforeTake>;
}

/** What decides whether and how a delivery is taken. */
export interface BeforeTake {
  /** Workspace generation that it runs against when it begins now. */
  generation: number | null;
  /** null: its job waited for no others. */
  family: Family | null;
  /** Whose the execution is, where the command that read the rest has taken it; null: it is still to be taken. */
  turn: Turn | null;
}

/** A delivery whose execution is this worker's now, to run or to end. */
export interface TakenDelivery extends Omit<Delivery, 'before'> {
  readonly turn: OurTurn;
  /** 1 for the first run of the execution. */
  readonly run: number;
  /** Attempts of this run that were started, this one included. */
  readonly attempt: number;
  /** How often its code was started in this run, this start included. */
  readonly starts: number;
  readonly times: QueueTimes;
  /** null: its job waited for no others. */
  readonly family: Family | null;
  /** Why a tick of a schedule ends without a run; null: it does not. */
  readonly passedOver: string | null;
}

/** How often BullMQ has taken and ended the job, for the ledger. */
export const markOf = (job: DeliveredJob): DeliveryMark => ({
  jobId: job.id ?? '',
  addedAtMs: job.timestamp || 0,
  ends: job.attemptsMade,
  stalls: job.stalledCounter,
});

/** Which attempt it is, as its result says. */
export const identityOf = (
  { request, run, attempt, times }: TakenDelivery,
  starts: number,
  earlier: readonly AttemptRecord[],
): AttemptOf => ({
  executionId: request.executionId,
  run,
  attempt,
  starts,
  times,
  tick: request.tick,
  earlier,
});

/** What a log line names of a delivery; it leaves out what is undefined. */
export const namesOf = (
  { request, job, run, attempt }: TakenDelivery,
  { runnerId }: Pick<AttemptReport, 'runnerId'>,
) => ({
  executionId: request.executionId,
  jobId: job.id,
  run: run > 1 ? run : undefined,
  attempt,
  runnerId,
});

/** What a span of a trace names of a delivery. */
export const traceOf = ({ request, job, run, attempt, times }: TakenDelivery) => ({
  'bifrost.execution.id': request.executionId,
  'bifrost.execution.kind': request.kind,
  'bifrost.run': run,
  'bifrost.attempt': attempt,
  'bifrost.job.id': job.id ?? '',
  'bifrost.queue_ms': times.queue ?? 0,
});
