import { Inject, Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { connectionTrouble, IMPATIENT_REDIS } from '../redis/redis.module.js';
import { connectionStates } from '../redis/silence-watch.js';
import { isTurnedAway, writeRefusalOf } from '../redis/redis-errors.js';

/** A connection that blocks by design is silent for 5 s; one that is silent is replaced within 12 s. */
const AWAY_MS = 15_000;
/** What a look writes is gone after this time. */
const WRITTEN_MS = 1_000;

/** Up while Redis answers and takes writes within a second, and answers on every connection that work uses. */
@Injectable()
export class RedisIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  async check(): Promise<HealthIndicatorResult<'redis'>> {
    const check = this.health.check('redis');
    const startedAt = performance.now();
    try {
      // A replica, and a Redis without memory, answers everything but this.
      await Promise.all([
        this.redis.set(this.keys.writeLook(), '1', 'PX', WRITTEN_MS),
        // Begins with a brace and not with KEY_PREFIX: an ACL that allows the prefix alone lets nothing begin.
        this.redis.exists(this.keys.ledger('health')),
      ]);
      const away = connectionStates().filter(({ awayMs }) => awayMs > AWAY_MS);
      if (away.length > 0) {
        const names = [...new Set(away.map(({ name }) => name))].join(', ');
        const longestMs = Math.max(...away.map(({ awayMs }) => awayMs));
        return check.down({ reason: `no answer for ${Math.round(longestMs / 1_000)} s on ${names}` });
      }
      return check.up({ latency_ms: Math.round(performance.now() - startedAt) });
    } catch (error) {
      const refusal = writeRefusalOf(error as Error);
      if (refusal) return check.down({ reason: `Redis answers and refuses to write: ${refusal}` });
      const why = isTurnedAway(error) ? null : connectionTrouble(this.redis);
      const reason = why ?? (error as Error).message;
      const said = isTurnedAway(new Error(reason)) ? 'answers and turns this worker away' : 'does not answer';
      return check.down({ reason: `Redis ${said}: ${reason}` });
    }
  }
}
