import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ResultSettings, resultSettings } from '../../config/slices.js';
import type { WebhookAttempt } from '../../contract/jobs/webhook.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { LuaScript } from '../../redis/lua-script.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';

/** KEYS log; ARGV entry, how many are kept, ttl in seconds */
const APPEND = new LuaScript(`
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[2]), -1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
`);
const KEPT = 100;

/** What became of the messages about an execution or a batch, for as long as a result is in Redis. */
@Injectable()
export class WebhookLog {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: Pick<ResultSettings, 'ttlSeconds'>,
  ) {}

  async append(about: string, attempt: WebhookAttempt): Promise<void> {
    const args = [JSON.stringify(attempt), KEPT, this.settings.ttlSeconds];
    await APPEND.run(this.redis, [this.keys.webhooks(about)], args);
  }

  /** In their order. */
  async read(about: string): Promise<WebhookAttempt[]> {
    const entries = await this.redis.lrange(this.keys.webhooks(about), 0, -1);
    return entries.map((text) => JSON.parse(text) as WebhookAttempt);
  }
}
