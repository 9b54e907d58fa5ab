import type { JobSchedulerJson, RepeatOptions } from 'bullmq';
import type { ScheduleState } from '../../contract/api/schedules.js';
import { nextTick, ticksAfter } from '../../queue/schedules/due-times.js';
import {
  firstOfPeriod,
  type ScheduleRecord,
  type ScheduleRule,
  tickRuleOf,
} from '../../queue/schedules/schedule-record.js';

/** What BullMQ's job scheduler says. */
export function recordOf(scheduler: JobSchedulerJson<unknown>, nowMs: number): ScheduleRecord {
  const { name, pattern, tz, every, startDate, endDate, limit, next, template } = scheduler;
  const time = (ms: number | undefined): string | null =>
    ms === undefined ? null : new Date(ms).toISOString();
  return {
    source: 'queue',
    rule: {
      cron: pattern ?? null,
      tz: tz ?? null,
      every: every ?? null,
      start: time(startDate),
      end: time(endDate),
      limit: limit === undefined ? null : Math.max(0, limit - ticksHad(scheduler, nowMs)),
    },
    template: {
      name,
      data: dataIn(template?.data),
      opts: { ...template?.opts },
    },
    anchorMs: next ?? Date.now(),
    contextId: null,
    paused: false,
    createdAt: null,
    updatedAt: null,
  };
}

const dataIn = (data: unknown): Record<string, unknown> =>
  typeof data === 'object' && data !== null ? { ...data } : {};

/** What BullMQ is asked to repeat from now on. */
export function repeatOf({ rule, anchorMs }: ScheduleRecord, nowMs: number): Omit<RepeatOptions, 'key'> {
  const { cron, tz, every, start, end, limit } = rule;
  const endDate = end === null ? {} : { endDate: Date.parse(end) };
  const most = limit === null ? {} : { limit };
  if (every === null) {
    const startMs = start === null ? 0 : Date.parse(start);
    return {
      pattern: cron ?? '',
      ...(tz === null ? {} : { tz }),
      // BullMQ looks for a time after it.
      ...(startMs > nowMs ? { startDate: startMs - 1 } : {}),
      ...endDate,
      ...most,
    };
  }
  const first = firstOfPeriod(every, { start, anchorMs }, nowMs);
  // With it BullMQ keeps to this after ticks were missed.
  const offset = first % every;
  return { every, startDate: first, ...(offset === 0 ? {} : { offset }), ...endDate, ...most };
}

/** The first tick from now on, in Unix milliseconds; null: there will be none. */
export function firstTick({ rule, anchorMs }: ScheduleRecord, nowMs: number): number | null {
  const { every, start, end, limit } = rule;
  if (limit === 0) return null;
  if (every === null)
    return nextTick(Math.max(nowMs, start === null ? 0 : Date.parse(start) - 1), tickRuleOf(rule));
  const first = firstOfPeriod(every, { start, anchorMs }, nowMs);
  return end !== null && first > Date.parse(end) ? null : first;
}

/** How often it has ticked. BullMQ counts a tick once it is prepared, which is one period before it is due. */
export const ticksHad = (
  { iterationCount = 0, next }: Pick<JobSchedulerJson<unknown>, 'iterationCount' | 'next'>,
  nowMs: number,
): number => Math.max(0, iterationCount - (next !== undefined && next > nowMs ? 1 : 0));

/** Whether it ticks. @param scheduler undefined: BullMQ has none */
export function stateOf(
  record: ScheduleRecord,
  scheduler: JobSchedulerJson<unknown> | undefined,
  nowMs: number,
): ScheduleState {
  if (record.paused) return 'paused';
  if (!scheduler) return 'ended';
  const { endDate, limit } = scheduler;
  const isOver =
    (endDate !== undefined && endDate < nowMs) ||
    (limit !== undefined && ticksHad(scheduler, nowMs) >= limit);
  return isOver ? 'ended' : 'active';
}

/** When it ticks next, in Unix milliseconds. @param fromMs the tick that BullMQ has prepared */
export function nextTicks(rule: ScheduleRule, fromMs: number, nowMs: number, limit: number): number[] {
  const own = tickRuleOf(rule);
  if (fromMs > nowMs) return [fromMs, ...ticksAfter(fromMs, own, { limit: limit - 1 })].slice(0, limit);
  const { every } = rule;
  const latest = every === null ? nowMs : fromMs + Math.floor((nowMs - fromMs) / every) * every;
  return [...ticksAfter(latest, own, { limit })];
}
