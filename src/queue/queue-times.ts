import type { Job } from 'bullmq';
import type { OurTurn } from '../results/turn.js';
import type { QueueTimes } from '../outcome/receipt.js';
import { isHeld } from './fairness/lane-levels.js';

/** What BullMQ says of a job when it delivers it. */
export type DeliveredJob = Pick<
  Job,
  'id' | 'timestamp' | 'attemptsMade' | 'stalledCounter' | 'opts' | 'deduplicationId'
>;

/** Nothing is known of the time in the queue. */
export const UNKNOWN_TIMES: QueueTimes = { queue: null, delay: null, backoff: null };

/**
 * How long an execution was ready to be taken, and how long it was not because its job asked for that.
 * Not known of a further run, since BullMQ does not say when it was asked for, and after a lost worker.
 */
export function queueTimes(
  { timestamp, opts }: Pick<DeliveredJob, 'timestamp' | 'opts'>,
  turn: OurTurn,
  nowMs: number,
): QueueTimes {
  if (turn.kind === 'exhausted') return UNKNOWN_TIMES;
  if (turn.freed) {
    const waitedMs = Math.max(0, nowMs - turn.freed.atMs);
    const backoff = Math.min(turn.freed.pauseMs, waitedMs);
    return { queue: waitedMs - backoff, delay: null, backoff: turn.freed.pauseMs > 0 ? backoff : null };
  }
  if (turn.run > 1 || turn.attempt > 1 || !(timestamp > 0)) return UNKNOWN_TIMES;
  const waitedMs = Math.max(0, nowMs - timestamp);
  const delayMs = opts.delay ?? 0;
  // One that is held until there is room waits in the queue.
  const asked = isHeld(timestamp + delayMs) ? 0 : delayMs;
  const delay = Math.min(asked, waitedMs);
  return { queue: waitedMs - delay, delay: asked > 0 ? delay : null, backoff: null };
}
