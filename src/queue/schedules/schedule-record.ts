import type { Webhook } from '../../contract/jobs/webhook.js';
import type { TickRule } from './due-times.js';

/** When a schedule ticks, as it was asked for. */
export interface ScheduleRule {
  cron: string | null;
  tz: string | null;
  /** Milliseconds. */
  every: number | null;
  /** ISO 8601. */
  start: string | null;
  end: string | null;
  /** Ticks; only of producers of their own. */
  limit: number | null;
}

/** The job of each tick. */
export interface TickTemplate {
  name: string;
  data: Record<string, unknown>;
  opts: Record<string, unknown>;
}

/** What is kept of a schedule beside BullMQ's job scheduler, which a paused one does not have. */
export interface ScheduleRecord {
  source: 'api' | 'queue';
  rule: ScheduleRule;
  template: TickTemplate;
  /** Unix milliseconds from which `every` counts. */
  anchorMs: number;
  /** Of the context that all ticks share; null: there is none, or it is a producer's. */
  contextId: string | null;
  paused: boolean;
  /** Gets a message when the schedule has ended; null and left out: there is none. */
  webhook?: Webhook | null;
  /** ISO 8601; null: it was not set by the API. */
  createdAt: string | null;
  updatedAt: string | null;
}

export const tickRuleOf = ({ cron, tz, every, end }: ScheduleRule): TickRule => ({
  ...(every === null ? { pattern: cron ?? '' } : { every }),
  ...(tz === null ? {} : { tz }),
  ...(end === null ? {} : { endMs: Date.parse(end) }),
});

/** The first of `start` or else `anchor`, `+ every`, … that is later than now. */
export function firstOfPeriod(
  every: number,
  { start, anchorMs }: { start: string | null; anchorMs: number },
  nowMs: number,
): number {
  const from = start === null ? anchorMs : Date.parse(start);
  return from > nowMs ? from : from + (Math.floor((nowMs - from) / every) + 1) * every;
}
