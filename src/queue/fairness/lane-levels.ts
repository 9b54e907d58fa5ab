import type { Band } from '../../contract/jobs/band.js';
import { HELD_UNTIL_MS } from '../../contract/jobs/job-options.js';
import { SCORE_OF_A_MS } from '../job-places.js';

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
/** The first priority after those of the lanes. */
const PARKED_END = 2_000_000;
/** Own priorities up to this have an order within a lane; greater ones count as this. */
export const LAST_OWN_PRIORITY = 499_999;
/** What a producer of its own should add its jobs with: last, until they are put into their lane. */
export const PRODUCER = 2_097_151;

/** What a priority is in the score of a job that has one; the rest is the order in which they came. */
export const LEVEL = 2 ** 32;
/** Scores of jobs that wait in lanes, from and to. */
export const PARKED_SCORES = [PARKED.interactive * LEVEL, PARKED_END * LEVEL - 1] as const;
/** Scores of jobs that were chosen, from and to. */
export const CHOSEN_SCORES = [FIRST * LEVEL, (CHOSEN + 1) * LEVEL - 1] as const;
/** The lowest score of a delayed job that is held until there is room. */
export const HELD_SCORE = HELD_UNTIL_MS * SCORE_OF_A_MS;

/** Whether a job is delayed because it must wait for room, and not because its producer wanted that. */
export const isHeld = (untilMs: number | null): boolean => untilMs !== null && untilMs >= HELD_UNTIL_MS;

/** Whether BullMQ's priority of a job is one of ours. */
export const isOurs = (level: number): boolean =>
  level === FIRST || level === CHOSEN || (level >= PARKED.interactive && level < PARKED_END);

/** BullMQ's priority of a job in a lane. @param priority its own; 0: none */
export const parkedLevel = (band: Band, priority: number): number =>
  PARKED[band] + Math.min(Math.max(0, priority), LAST_OWN_PRIORITY);
