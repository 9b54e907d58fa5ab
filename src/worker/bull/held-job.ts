import { Job } from 'bullmq';
import type { JobCompletion } from '../../results/at-once/end-at-once.js';
import type { TakenNext } from '../../results/at-once/take-next.js';

/** A script of BullMQ that was run within one of ours. */
export interface RunElsewhere {
  reply: unknown;
  taken: TakenNext | null;
  finishedOn: number;
}

/** A job that BullMQ has handed to this worker, with what the worker knows of it beside what BullMQ does. */
export class HeldJob extends Job {
  /** The execution that was taken by the script that handed it out. */
  taken: TakenNext | null = null;
  /** A parent that a child has failed: what BullMQ says of it. */
  childFailure: string | null = null;
  /** How it is completed by a command of our own, while it is being processed. */
  complete: ((returnValue: unknown) => JobCompletion) | null = null;
  /** It has been completed so. */
  completed: RunElsewhere | null = null;
}

/** Jobs that BullMQ's other classes have made have none of it. */
const heldOf = (job: object): Partial<Pick<HeldJob, 'taken' | 'childFailure' | 'complete'>> => job;

/** Why BullMQ wants a job failed before it runs: `child <key> failed`; null: it does not. */
export const childFailureOf = (job: object): string | null => heldOf(job).childFailure ?? null;

/** The execution of the job, where it is taken already; null: it is not. */
export const takenWith = (job: object): TakenNext | null => heldOf(job).taken ?? null;

/** How a job in hand is completed with this value, by a command of our own. */
export const completionOf = (job: object, returnValue: unknown): JobCompletion | null =>
  heldOf(job).complete?.(returnValue) ?? null;
