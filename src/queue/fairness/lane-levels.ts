import type { Band } from '../../contract/jobs/band.js';
import { HELD_UNTIL_MS } from '../../contract/jobs/job-options.js';

/*
 * The few priorities of BullMQ that stand for the state of a job in our lanes. BullMQ takes jobs without a priority
 * first, then the lowest number. A job of any other priority was added by a producer of its own, and is in no lane yet.
 */

/** The first execution of an organization that has nothing: taken before those that were chosen already. */
export const FIRST = 9;
/** Chosen to be taken next. */
export const CHOSEN = 10;
/** In a lane: taken only where nothing is chosen, as when an organization is alone. Plus the job's own priority. */
export const PARKED = { interactive: 1_000_000, background: 1_500_000 } as const;
/** Own priorities up to this have an order within a lane; greater ones count as this. */
export const LAST_OWN_PRIORITY = 499_999;
/** What a producer of its own should add its jobs with: last, until they are put into their lane. */
export const PRODUCER = 2_097_151;

/** Whether a job is delayed because it must wait for room, and not because its producer wanted that. */
export const isHeld = (untilMs: number | null): boolean => untilMs !== null && untilMs >= HELD_UNTIL_MS;

/** Whether BullMQ's priority of a job is one of ours. */
export const isOurs = (level: number): boolean =>
  level === FIRST || level === CHOSEN || (level >= PARKED.interactive && level < 2_000_000);

/** BullMQ's priority of a job in a lane. @param priority its own; 0: none */
export const parkedLevel = (band: Band, priority: number): number =>
  PARKED[band] + Math.min(Math.max(0, priority), LAST_OWN_PRIORITY);
