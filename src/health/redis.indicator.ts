import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { RedisClient } from '../redis/connections.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { connectionStates } from '../redis/silence-watch.js';

/** A connection that blocks by design is silent for 5 s; one that is silent is replaced within 12 s. */
const AWAY_MS = 15_000;

/** Up while Redis answers within a second, and on every connection that work uses. */
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
      const away = connectionStates().filter(({ awayMs }) => awayMs > AWAY_MS);
      if (away.length > 0) {
        const names = [...new Set(away.map(({ name }) => name))].join(', ');
        const longestMs = Math.max(...away.map(({ awayMs }) => awayMs));
        return check.down({ reason: `no answer for ${Math.round(longestMs / 1_000)} s on ${names}` });
      }
      return check.up({ latency_ms: Math.round(performance.now() - startedAt) });
    } catch (error) {
      return check.down({ reason: `Redis does not answer: ${(error as Error).message}` });
    }
  }
}
