import { getNextMillis } from 'bullmq';

/** When a schedule ticks. */
export interface TickRule {
  /** Cron pattern; undefined: by `every`. */
  pattern?: string | undefined;
  /** IANA time zone of the pattern; undefined: that of the process. */
  tz?: string | undefined;
  /** Milliseconds between two ticks. */
  every?: number | undefined;
  /** Unix milliseconds after which it does not tick. */
  endMs?: number | undefined;
}

/**
 * The first tick after one that is due at `afterMs`, in Unix milliseconds; null: there is none any more. A local time
 * that the change of clocks leaves out ticks an hour later, one that it has twice ticks at the first.
 * @throws {Error} when the pattern cannot be read
 */
export function nextTick(afterMs: number, { pattern, tz, every, endMs }: TickRule): number | null {
  const next =
    every === undefined
      ? getNextMillis(afterMs, { pattern: pattern ?? '', ...(tz === undefined ? {} : { tz }) })
      : afterMs + every;
  if (next === undefined || next <= afterMs || (endMs !== undefined && next > endMs)) return null;
  return next;
}

/** Ticks after `afterMs`, as far as `untilMs` and at most `limit`. */
export function* ticksAfter(
  afterMs: number,
  rule: TickRule,
  { untilMs = Number.POSITIVE_INFINITY, limit }: { untilMs?: number; limit: number },
): Generator<number> {
  let due: number | null = afterMs;
  for (let count = 0; count < limit; count += 1) {
    due = nextTick(due, rule);
    if (due === null || due > untilMs) return;
    yield due;
  }
}

/** Ticks of a pattern can only be counted forwards: how much further back each look goes than the one before. */
const FURTHER = 10;

/** The latest ticks of a pattern until `untilMs`, that one included, and not before `fromMs`; at most `limit`. */
export function latestTicks(
  untilMs: number,
  rule: TickRule,
  { fromMs, limit }: { fromMs: number; limit: number },
): number[] {
  // No pattern ticks more often than each second.
  for (let backMs = limit * 1_000; ; backMs *= FURTHER) {
    const startMs = Math.max(fromMs, untilMs - backMs);
    const found = [...ticksAfter(startMs - 1, rule, { untilMs, limit: limit * FURTHER + 1 })];
    if (found.length >= limit || startMs === fromMs) return found.slice(-limit);
  }
}
