import type { TickPolicy } from '../../contract/jobs/schedule.js';

/** What was decided of a tick; `at`: when it was first looked at, in Unix milliseconds. */
export type TickState =
  | { state: 'run'; at: number }
  | { state: 'wait'; at: number }
  | { state: 'skip'; at: number; reason: string };

/** A tick that a worker looks at. Times are Unix milliseconds. */
export interface DueTick {
  dueMs: number;
  /** When the schedule ticks next after it; null: never. */
  nextDueMs: number | null;
  /** After which the schedule does not tick; null: it has no end. */
  endMs: number | null;
  /** It was added by itself, to make up for a missed one or because a person asked for it. */
  isExtra: boolean;
  /** Its job has ended before, and is run again by hand or for another attempt. */
  isRepeated: boolean;
}

/** Another tick of the same schedule that has not ended. */
export interface OpenTick {
  dueMs: number;
  state: TickState['state'];
}

export interface TickDecision {
  tick: TickState;
  /** Due times of ticks that are to be cancelled. */
  cancel: readonly number[];
}

/** Ticks of one schedule that wait for each other at most; others are passed over. */
export const MOST_WAITING = 100;

/**
 * Decides what becomes of a tick: a pure function. What it says of a tick stands, except `wait`.
 * @param standing what was decided before; null: no worker has looked at it
 * @param others ticks of the schedule that have not ended
 */
export function decideTick(
  tick: DueTick,
  { overlap, missed }: TickPolicy,
  standing: TickState | null,
  others: readonly OpenTick[],
  nowMs: number,
): TickDecision {
  const at = standing?.at ?? nowMs;
  const run: TickDecision = { tick: { state: 'run', at }, cancel: [] };
  const wait: TickDecision = { tick: { state: 'wait', at }, cancel: [] };
  const skip = (reason: string): TickDecision => ({ tick: { state: 'skip', at, reason }, cancel: [] });
  if (tick.isRepeated) return run;
  if (standing && standing.state !== 'wait') return { tick: standing, cancel: [] };
  if (standing === null) {
    if (tick.endMs !== null && tick.dueMs > tick.endMs) return skip('the schedule had ended by then');
    const isMissed = !tick.isExtra && tick.nextDueMs !== null && tick.nextDueMs <= nowMs;
    if (missed === 'skip' && isMissed)
      return skip('no worker came to it before the next was due (missed: skip)');
  }
  const open = others.filter(({ state }) => state !== 'skip');
  const running = open.filter(({ state }) => state === 'run');
  switch (overlap) {
    case 'allow':
      return run;
    case 'skip': {
      const [former] = open;
      return former ? skip(`that of ${timeOf(former.dueMs)} had not ended (overlap: skip)`) : run;
    }
    case 'queue': {
      const ahead = open.filter(({ state, dueMs }) => state === 'run' || dueMs < tick.dueMs);
      if (ahead.length === 0) return run;
      return standing === null && open.length - running.length >= MOST_WAITING
        ? skip(`${MOST_WAITING} others wait already (overlap: queue)`)
        : wait;
    }
    case 'cancel': {
      const later = open.find(({ dueMs }) => dueMs > tick.dueMs);
      if (later) return skip(`that of ${timeOf(later.dueMs)} came before it had begun (overlap: cancel)`);
      return running.length === 0 ? run : { ...wait, cancel: running.map(({ dueMs }) => dueMs) };
    }
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString();
