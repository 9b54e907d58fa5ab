import { Inject, Injectable } from '@nestjs/common';
import {
  type Organization,
  organizationSchema,
  type OrganizationSettings,
  unsetOrganization,
} from '../../contract/organization.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';

/** The records of organizations in Redis. An organization exists without one: then the defaults hold. */
@Injectable()
export class OrganizationStore {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** Those that have a record, sorted. */
  async ids(): Promise<string[]> {
    return (await this.redis.hkeys(this.keys.organizations())).toSorted();
  }

  /** null: nothing is set of it. */
  async find(id: string): Promise<Organization | null> {
    const text = await this.redis.hget(this.keys.organizations(), id);
    return text === null ? null : readOrganization(id, text);
  }

  /** In the order of the ids; one that is gone by now is left out. */
  async findMany(ids: readonly string[]): Promise<Organization[]> {
    if (ids.length === 0) return [];
    const texts = await this.redis.hmget(this.keys.organizations(), ...ids);
    return ids.flatMap((id, index) => {
      const text = texts[index];
      return text == null ? [] : [readOrganization(id, text)];
    });
  }

  /** Keeps the whole record and tells every worker. */
  async save(id: string, settings: OrganizationSettings): Promise<Organization> {
    const now = new Date().toISOString();
    const before = await this.find(id);
    const organization = { ...settings, id, created_at: before?.created_at ?? now, updated_at: now };
    await this.redis.hset(this.keys.organizations(), id, JSON.stringify(organization));
    await this.announce(id);
    return organization;
  }

  /** Whether there was a record. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.redis.hdel(this.keys.organizations(), id);
    await this.announce(id);
    return removed > 0;
  }

  private async announce(id: string): Promise<void> {
    await this.redis.publish(this.keys.organizationsChanged(), id);
  }
}

/** A record of a newer version may hold what this one does not know; what cannot be read at all sets nothing. */
export function readOrganization(id: string, text: string): Organization {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return unsetOrganization(id);
  }
  const parsed = organizationSchema.safeParse(value);
  return parsed.success ? { ...parsed.data, id } : unsetOrganization(id);
}
