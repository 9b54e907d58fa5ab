import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type QueueSettings, queueSettings } from '../config/slices.js';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { HELD_SCORE } from './fairness/lane-levels.js';

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
    const [{ waiting, active, held }, { paused, limit }, limited] = await Promise.all([
      this.counts(),
      this.rule(),
      this.redis.exists(`${queue}:limiter`),
    ]);
    if (paused || limited === 1 || (limit !== null && active >= limit)) return 0;
    return waiting - held;
  }

  /** Whether the queue is paused, and how many jobs it lets run at once. Throws within a second when Redis does not answer. */
  async rule(): Promise<{ paused: boolean; limit: number | null }> {
    const queue = `${this.settings.bullPrefix}:${this.settings.name}`;
    const [paused, most] = await this.redis.hmget(`${queue}:meta`, 'paused', 'concurrency');
    return { paused: Boolean(paused), limit: most ? Number(most) : null };
  }

  /** `held`: those that wait and that no worker may take until there is room. Throws within a second when Redis does not answer. */
  async counts(): Promise<OpenJobs & { held: number }> {
    // Not by BullMQ's own counts: those wait for Redis however long.
    const queue = `${this.settings.bullPrefix}:${this.settings.name}`;
    const { redis } = this;
    const [waiting, paused, prioritized, active, delayed, held] = await Promise.all([
      redis.llen(`${queue}:wait`),
      redis.llen(`${queue}:paused`),
      redis.zcard(`${queue}:prioritized`),
      redis.llen(`${queue}:active`),
      redis.zcard(`${queue}:delayed`),
      redis.zcount(`${queue}:delayed`, HELD_SCORE, '+inf'),
    ]);
    return { waiting: waiting + paused + prioritized + held, active, delayed: delayed - held, held };
  }
}
