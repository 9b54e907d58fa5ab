import { Inject, Injectable } from '@nestjs/common';
import type { UsageRow } from '../../contract/tenants/usage.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { countedOf, fieldsOf, rowsOf, usageRow } from './usage-day.js';

/** Reads what organizations used. */
@Injectable()
export class UsageStore {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * What was used on one day, by organization, sorted.
   * @param organizations only these; null: all that used something
   */
  async ofDay(day: string, organizations: readonly string[] | null): Promise<UsageRow[]> {
    const key = this.keys.usage(day);
    if (organizations === null) return rowsOf(day, await this.redis.hgetall(key));
    const rows: UsageRow[] = [];
    for (const organization of organizations.toSorted()) {
      const values = await this.redis.hmget(key, ...fieldsOf(organization));
      if (values.some((value) => value !== null)) rows.push(usageRow(day, organization, countedOf(values)));
    }
    return rows;
  }
}
