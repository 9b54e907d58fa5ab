import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

/** Up while Redis answers within a second. */
@Injectable()
export class RedisIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
  ) {}

  async check(): Promise<HealthIndicatorResult<'redis'>> {
    const check = this.health.check('redis');
    const startedAt = performance.now();
    try {
      await this.redis.ping();
      return check.up({ latency_ms: Math.round(performance.now() - startedAt) });
    } catch (error) {
      return check.down({ reason: `Redis does not answer: ${(error as Error).message}` });
    }
  }
}
