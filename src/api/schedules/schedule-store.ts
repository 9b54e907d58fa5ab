import { Inject, Injectable } from '@nestjs/common';
import type { JobSchedulerJson, Queue } from 'bullmq';
import { inBatches } from '../../lib/in-batches.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { ContextSubjects } from '../../queue/context-subjects.js';
import type { ScheduleRecord } from '../../queue/schedules/schedule-record.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { textUnder } from '../../redis/text-key.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { recordOf, repeatOf } from './schedule-record.js';

/** Contexts that are read at once. */
const AT_ONCE = 100;

/** A schedule as it is kept. */
export interface KeptSchedule {
  id: string;
  record: ScheduleRecord;
  /** undefined: it is paused, or has ended and was removed. */
  scheduler: JobSchedulerJson<unknown> | undefined;
}

/** Schedules: those that were set here, and every other job scheduler of the queue. */
@Injectable()
export class ScheduleStore {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly subjects: ContextSubjects,
  ) {}

  /** All of them, sorted. */
  async ids(): Promise<string[]> {
    const [ours, all] = await Promise.all([
      this.redis.hkeys(this.keys.schedules()),
      this.redis.zrange(this.queue.toKey('repeat'), '0', '-1'),
    ]);
    return [...new Set([...ours, ...all])].toSorted();
  }

  async find(id: string): Promise<KeptSchedule | null> {
    const [text, scheduler] = await Promise.all([
      this.redis.hget(this.keys.schedules(), id),
      this.queue.getJobScheduler(id) as Promise<JobSchedulerJson<unknown> | undefined>,
    ]);
    if (text !== null) return { id, record: JSON.parse(text) as ScheduleRecord, scheduler };
    return scheduler ? { id, record: recordOf(scheduler, Date.now()), scheduler } : null;
  }

  /**
   * Keeps it, and has BullMQ make its ticks unless it is paused. The record comes first: a process that dies in between
   * leaves a schedule that shows as ended, and its client without an answer.
   * @param isAnew its ticks do not go on from those of before
   */
  async save(id: string, record: ScheduleRecord, isAnew: boolean): Promise<void> {
    await this.redis.hset(this.keys.schedules(), id, JSON.stringify(record));
    if (record.paused || isAnew) await this.queue.removeJobScheduler(id);
    if (record.paused) return;
    await this.queue.upsertJobScheduler(id, repeatOf(record, Date.now()), record.template);
  }

  async remove(id: string): Promise<void> {
    await this.queue.removeJobScheduler(id);
    await this.redis.hdel(this.keys.schedules(), id);
  }

  /** Whose these schedules are, as the contexts of their ticks say; null: they belong to no organization. */
  organizationsOf(schedules: readonly KeptSchedule[]): Promise<(string | null)[]> {
    return inBatches(schedules, AT_ONCE, async ({ record }) => {
      const contextId = record.contextId ?? record.template.data['execution_id'];
      const subject = typeof contextId === 'string' ? await this.subjects.find(contextId) : null;
      return subject?.organization?.id ?? null;
    });
  }

  /** Keeps a context for all ticks, until it is dropped. */
  async writeContext(contextId: string, document: string): Promise<void> {
    await this.redis.set(this.keys.context(contextId), document);
  }

  readContext(contextId: string): Promise<string | null> {
    return textUnder(this.redis, this.keys.context(contextId));
  }

  /** Ticks that wait still need it. */
  async dropContext(contextId: string, afterSeconds: number): Promise<void> {
    await this.redis.expire(this.keys.context(contextId), afterSeconds);
  }
}
