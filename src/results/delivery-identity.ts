import type { ExecutionResult } from '../contract/result.js';

/**
 * What makes two deliveries of jobs the same execution, and the same run of it: see docs/identity.md.
 * Pure; the effects are in the ledger.
 */

/** How often BullMQ says that a job was taken and ended, at the moment of one delivery. */
export interface DeliveryMark {
  jobId: string;
  /** Unix milliseconds of its addition: another value is another job of the same id. */
  addedAtMs: number;
  /** Ends that BullMQ has counted: failed attempts, and the end of the job. */
  ends: number;
  /** How often BullMQ took the job from a worker that no longer held its lock. */
  stalls: number;
}

/** What the ledger remembers of a job: its latest delivery that came to an end. */
export interface EndedMark extends DeliveryMark {
  /** Only an attempt ended: BullMQ is to count it, and to deliver the job again. */
  attemptOnly: boolean;
}

/** What one delivery of a job is to the delivery of that job which last ended with a result. */
export type Relation = 'redelivered' | 'retried' | 'another job';

/** What to do with a delivery whose execution has a result. */
export type Repeat =
  /** BullMQ has not recorded the end: end the job again. */
  | { kind: 'redelivered' }
  /** Its code may run again, as a run of its own. */
  | { kind: 'further run'; because: 'retried' | 'asked for' | 'nothing ran' }
  /** The result stands, and is what this job ends with. */
  | { kind: 'standing' };

/**
 * @param ended the mark of this job's last delivery that came to an end; null: none did
 * @param isMarked whether the ledger has marks of any job; ledgers of former versions have none
 */
export function relationOf(ended: EndedMark | null, now: DeliveryMark, isMarked: boolean): Relation {
  if (ended === null) return !isMarked && now.ends > 0 ? 'retried' : 'another job';
  if (ended.addedAtMs !== now.addedAtMs) return 'another job';
  // Stalls are never taken back: this is an older delivery, of a worker that was frozen.
  if (now.stalls < ended.stalls) return 'redelivered';
  // BullMQ's own next attempt, while another delivery has ended the execution.
  if (ended.attemptOnly && now.ends === ended.ends + 1) return 'redelivered';
  // BullMQ counts the end of a job together with its move to `completed` or `failed`.
  if (now.ends !== ended.ends) return 'retried';
  // The end is not counted: either BullMQ never recorded it, and then found the job stalled, or the retry
  // reset the count.
  return now.stalls > ended.stalls ? 'redelivered' : 'retried';
}

/** The one decision about a delivery of an execution that has ended. `again`: the job asks for another run. */
export function judgeRepeat(
  relation: Relation,
  { again, result }: { again: boolean; result: Pick<ExecutionResult, RepeatFields> | null },
): Repeat {
  switch (relation) {
    case 'redelivered':
      return { kind: 'redelivered' };
    case 'retried':
      return { kind: 'further run', because: 'retried' };
    case 'another job':
      if (again) return { kind: 'further run', because: 'asked for' };
      return result !== null && nothingRan(result)
        ? { kind: 'further run', because: 'nothing ran' }
        : { kind: 'standing' };
  }
}

type RepeatFields = 'status' | 'attempt' | 'failure' | 'metrics';

/** Whether no code of an execution was ever started, and not because its end was requested. */
function nothingRan({ status, attempt, failure, metrics }: Pick<ExecutionResult, RepeatFields>): boolean {
  if (status !== 'failed' || attempt > 1 || metrics?.run_ms != null) return false;
  return failure !== null && failure.code !== 'STALLED_OUT' && failure.code !== 'INTERNAL';
}

/** Where the ledger keeps the mark of a job. */
export const fieldOf = ({ jobId }: Pick<DeliveryMark, 'jobId'>): string => `job:${jobId}`;

/** What that field holds. */
export const markText = ({ addedAtMs, ends, stalls }: DeliveryMark, { attemptOnly = false } = {}): string =>
  `${addedAtMs}:${ends}:${stalls}${attemptOnly ? ':attempt' : ''}`;

/** Reads {@link markText}; null: there is none. */
export function parseMark(jobId: string, text: string | null | undefined): EndedMark | null {
  if (!text) return null;
  const [addedAtMs, ends, stalls, kind] = text.split(':');
  const numbers = { addedAtMs: Number(addedAtMs), ends: Number(ends), stalls: Number(stalls) };
  return { jobId, ...numbers, attemptOnly: kind === 'attempt' };
}
