import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { KeptRecords } from '../kept-records.js';
import { type StoredToken, TokenStore } from './token-store.js';

/** The tokens that requests name. One that is revoked is refused at once, at the latest after 5 s. */
@Injectable()
export class TokenDirectory implements OnApplicationShutdown {
  private readonly records: KeptRecords<StoredToken | null>;

  constructor(store: TokenStore, @Inject(PATIENT_REDIS) redis: RedisClient, keys: RedisKeys) {
    this.records = new KeptRecords(redis, new Logger('Tokens'), {
      name: 'change of a token',
      channel: keys.tokensChanged(),
      read: (id) => store.find(id),
    });
  }

  /** null: there is none of this id. Rejects as Redis does. */
  async find(id: string): Promise<StoredToken | null> {
    return this.records.find(id);
  }

  onApplicationShutdown(): void {
    this.records.stop();
  }
}
