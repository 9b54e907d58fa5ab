import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type QueueSettings, queueSettings } from '../config/slices.js';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

/** States of jobs that are not done yet. */
export type OpenJobs = Record<'waiting' | 'active' | 'delayed', number>;

/** How many jobs are on the work queue. */
@Injectable()
export class WorkQueueGauge {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    @InjectSettings(queueSettings) private readonly settings: QueueSettings,
  ) {}

  /**
   * How many jobs wait that a worker could take now: none while the queue is paused or limited.
   * Throws within a second when Redis does not answer.
   */
  async takable(): Promise<number> {
    const queue = `${this.settings.bullPrefix}:${this.settings.name}`;
    const [{ waiting, active }, [paused, most], limited] = await Promise.all([
      this.counts(),
      this.redis.hmget(`${queue}:meta`, 'paused', 'concurrency'),
      this.redis.exists(`${queue}:limiter`),
    ]);
    if (paused || limited === 1 || (most && active >= Number(most))) return 0;
    return waiting;
  }

  /** Throws within a second when Redis does not answer. */
  async counts(): Promise<OpenJobs> {
    // Not by BullMQ's own counts: those wait for Redis however long.
    const queue = `${this.settings.bullPrefix}:${this.settings.name}`;
    const { redis } = this;
    const [waiting, paused, prioritized, active, delayed] = await Promise.all([
      redis.llen(`${queue}:wait`),
      redis.llen(`${queue}:paused`),
      redis.zcard(`${queue}:prioritized`),
      redis.llen(`${queue}:active`),
      redis.zcard(`${queue}:delayed`),
    ]);
    return { waiting: waiting + paused + prioritized, active, delayed };
  }
}
