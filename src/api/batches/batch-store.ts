import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';

/** What is remembered of a batch. */
export interface BatchRecord {
  /** ISO 8601 */
  created_at: string;
  /** Ids of those that were accepted, in the order of the request. */
  executions: string[];
  /** Whose they are, each once; null for those of none. Missing: it is not known. */
  organizations?: (string | null)[];
}

/** Remembers which executions belong to a batch, for as long as their results are in Redis. */
@Injectable()
export class BatchStore {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /** The first record of an id stays. @param periodSeconds until the last of them has ended */
  async save(batchId: string, record: BatchRecord, periodSeconds: number): Promise<void> {
    const ttl = Math.ceil(periodSeconds + this.settings.contextKeptSeconds);
    await this.redis.set(this.keys.batch(batchId), JSON.stringify(record), 'EX', ttl, 'NX');
  }

  async find(batchId: string): Promise<BatchRecord | null> {
    const text = await this.redis.get(this.keys.batch(batchId));
    return text === null ? null : (JSON.parse(text) as BatchRecord);
  }
}
