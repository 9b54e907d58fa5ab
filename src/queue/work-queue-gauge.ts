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
