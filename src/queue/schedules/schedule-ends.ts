import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { tickExecutionId } from '../../contract/jobs/schedule.js';
import { inBatches } from '../../lib/in-batches.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { WORK_QUEUE } from '../queue-tokens.js';
import { latestTicks } from './due-times.js';
import { isTickOpen } from './open-ticks.js';
import { firstOfPeriod, type ScheduleRecord, tickRuleOf } from './schedule-record.js';

/** What becomes of a schedule that was to end. */
export type ScheduleEnd =
  /** It was set anew or removed. */
  | { state: 'changed' }
  /** Its end is not reached, or a tick of it has not ended. */
  | { state: 'open' }
  /** `last`: id of the execution of its last tick, as far as that has a result. */
  | { state: 'over'; end: string; last: string | null };

/** Ticks before the end that are looked for; older ones that still run do not count. */
const LATEST = 100;
const AT_ONCE = 20;

/** Looks whether schedules that have an end are over. */
@Injectable()
export class ScheduleEnds {
  constructor(
    @Inject(WORK_QUEUE) readonly queue: Queue,
    @Inject(PATIENT_REDIS) readonly redis: RedisClient,
    readonly keys: RedisKeys,
  ) {}

  /** @param setAt ISO 8601 time at which it was set as it was to end */
  async look(schedule: string, setAt: string): Promise<ScheduleEnd> {
    const text = await this.redis.hget(this.keys.schedules(), schedule);
    const record = text === null ? null : (JSON.parse(text) as ScheduleRecord);
    if (record === null || record.updatedAt !== setAt || record.rule.end === null)
      return { state: 'changed' };
    const { end } = record.rule;
    if (Date.now() < Date.parse(end)) return { state: 'open' };
    const dueTimes = await this.dueTimes(schedule, record, Date.parse(end));
    const open = await inBatches(dueTimes, AT_ONCE, (dueMs) => isTickOpen({ schedule, dueMs }, this));
    if (open.includes(true)) return { state: 'open' };
    const ids = dueTimes.toReversed().map((dueMs) => tickExecutionId({ schedule, dueMs }));
    return { state: 'over', end, last: await this.firstWithResult(ids) };
  }

  /** When it ticked last, and when the tick was due that BullMQ made last: where no worker ran, that may be long ago. */
  private async dueTimes(schedule: string, record: ScheduleRecord, endMs: number): Promise<number[]> {
    const made = (await this.queue.getJobScheduler(schedule))?.next;
    const { rule, anchorMs, createdAt } = record;
    const fromMs = Math.max(Date.parse(rule.start ?? '') || 0, Date.parse(createdAt ?? '') || 0);
    const latest =
      rule.every === null
        ? latestTicks(endMs, tickRuleOf(rule), { fromMs, limit: LATEST })
        : ofPeriod(rule.every, firstOfPeriod(rule.every, { start: rule.start, anchorMs }, endMs), fromMs);
    return [...new Set([...(made !== undefined && made <= endMs ? [made] : []), ...latest])].toSorted(
      (a, b) => a - b,
    );
  }

  private async firstWithResult(ids: readonly string[]): Promise<string | null> {
    for (const id of ids) if ((await this.redis.exists(this.keys.result(id))) === 1) return id;
    return null;
  }
}

/** Times before `nextMs`, in steps of a period, not before `fromMs`. */
function ofPeriod(every: number, nextMs: number, fromMs: number): number[] {
  const times = Array.from({ length: LATEST }, (_, n) => nextMs - (n + 1) * every);
  return times.filter((dueMs) => dueMs >= fromMs);
}
