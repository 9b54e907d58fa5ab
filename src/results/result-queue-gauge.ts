import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import { resultQueueName } from '../contract/jobs/job.js';
import { bullPrefix } from '../redis/bull-prefix.js';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

/** How many results are not consumed yet: without a consumer they would fill Redis unseen. */
@Injectable()
export class ResultQueueGauge {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    @InjectSettings() private readonly settings: Settings,
  ) {}

  /** Results that wait on the result queue. Throws within a second when Redis does not answer. */
  async length(): Promise<number> {
    // Not by BullMQ's own counts: those wait for Redis however long.
    const queue = `${bullPrefix(this.settings)}:${resultQueueName(this.settings.QUEUE_NAME)}`;
    const [waiting, paused] = await Promise.all(
      ['wait', 'paused'].map((list) => this.redis.llen(`${queue}:${list}`)),
    );
    return (waiting ?? 0) + (paused ?? 0);
  }
}
