import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

/** How many results are not consumed yet: without a consumer they would fill Redis unseen. */
@Injectable()
export class ResultQueueGauge {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /** Results that wait on the result queue. Throws within a second when Redis does not answer. */
  async length(): Promise<number> {
    // Not by BullMQ's own counts: those wait for Redis however long.
    const queue = `${this.settings.bullPrefix}:${this.settings.queue}`;
    const [waiting, paused] = await Promise.all(
      ['wait', 'paused'].map((list) => this.redis.llen(`${queue}:${list}`)),
    );
    return (waiting ?? 0) + (paused ?? 0);
  }
}
