import { Inject, Injectable, Logger } from '@nestjs/common';
import { getNextMillis, type Job, type RepeatOptions } from 'bullmq';
import { type Tick, tickOf } from '../contract/jobs/schedule.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';

/** A schedule that is silent for longer is taken for a new one. */
const REMEMBERED_MS = 400 * 86_400_000;
/** Ticks that are counted one by one; a schedule of seconds that stood for weeks has missed "at least" as many. */
const COUNT_LIMIT = 100_000;

/** The last tick of a schedule that a worker took. */
interface LastTick {
  dueMs: number;
  /** How many ticks BullMQ has made; fewer than before: the schedule was made anew. */
  count: number;
  /** When it ticks; another one: the schedule was changed. */
  rule: string;
}

/**
 * Says which ticks of a schedule never were: BullMQ makes the next tick when a worker takes the one before,
 * and passes over what was due meanwhile.
 */
@Injectable()
export class ScheduleTicks {
  private readonly logger = new Logger(ScheduleTicks.name);

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** Looks at a job that was taken. Never rejects. */
  async note(job: Pick<Job, 'id' | 'repeatJobKey' | 'opts'>): Promise<void> {
    const tick = tickOf(job);
    const { repeat } = job.opts as { repeat?: RepeatOptions };
    if (!tick || !repeat) return;
    try {
      const now = lastTickOf(tick, repeat);
      const key = this.keys.scheduleTick(tick.schedule);
      const before = await this.redis.set(key, JSON.stringify(now), 'PX', REMEMBERED_MS, 'GET');
      const last = before === null ? null : (JSON.parse(before) as LastTick);
      this.report(tick, last && missedTicks(last, now, repeat), last);
    } catch (error) {
      this.logger.debug({ msg: 'a tick could not be noted', reason: (error as Error).message });
    }
  }

  private report({ schedule, dueMs }: Tick, count: number | null, last: LastTick | null): void {
    if (!count || !last) return;
    emitMeasurement('ticks-missed', { count });
    const time = (ms: number): string => new Date(ms).toISOString();
    this.logger.warn({
      msg: 'ticks of a schedule were missed',
      schedule,
      missed: count,
      after: time(last.dueMs),
      before: time(dueMs),
    });
  }
}

const lastTickOf = ({ dueMs }: Tick, { count = 0, every, pattern, tz }: RepeatOptions): LastTick => ({
  dueMs,
  count,
  rule: JSON.stringify([every ?? null, pattern ?? null, tz ?? null]),
});

/** How many ticks were due between two that were taken; 0 also where the schedule is not the same. */
export function missedTicks(last: LastTick, now: LastTick, repeat: RepeatOptions): number {
  if (last.rule !== now.rule || now.count < last.count || now.dueMs <= last.dueMs) return 0;
  const { every } = repeat;
  if (every) return Math.max(0, Math.round((now.dueMs - last.dueMs) / every) - 1);
  // Without these BullMQ counts from the start of the schedule, or from now.
  const { startDate: _start, immediately: _immediately, ...rule } = repeat;
  let missed = 0;
  let next = getNextMillis(last.dueMs, rule);
  while (next !== undefined && next < now.dueMs && missed < COUNT_LIMIT) {
    missed += 1;
    const following = getNextMillis(next, rule);
    next = following !== undefined && following > next ? following : undefined;
  }
  return missed;
}
