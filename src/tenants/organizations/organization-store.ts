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

  /** The record as it was set; null: nothing is set. */
  async findRecord(id: string): Promise<Organization | null> {
    const text = await this.redis.hget(this.keys.organizations(), id);
    return text === null ? null : readOrganization(id, text);
  }

  /** Records as they were set, in the order of the ids; one that is gone by now is left out. */
  async findRecords(ids: readonly string[]): Promise<Organization[]> {
    if (ids.length === 0) return [];
    const texts = await this.redis.hmget(this.keys.organizations(), ...ids);
    return ids.flatMap((id, index) => {
      const text = texts[index];
      return text == null ? [] : [readOrganization(id, text)];
    });
  }

  /** What holds for it now: one that is slowed down runs one execution at a time. null: nothing is set. */
  async find(id: string): Promise<Organization | null> {
    const [found] = await this.findMany([id]);
    return found ?? null;
  }

  /** What holds for them now, as {@link find}; in the order of the ids, one that is gone by now is left out. */
  async findMany(ids: readonly string[]): Promise<Organization[]> {
    if (ids.length === 0) return [];
    const [records, slowed] = await Promise.all([
      this.findRecords(ids),
      this.redis.hmget(this.keys.organizationsSlowed(), ...ids),
    ]);
    const untilMs = new Map(ids.map((id, index) => [id, Number(slowed[index] ?? 0)]));
    return records.map((record) =>
      (untilMs.get(record.id) ?? 0) > Date.now() ? slowedDown(record) : record,
    );
  }

  /** Has it slowed down until then. */
  async slow(id: string, until: Date): Promise<void> {
    const untilMs = until.getTime();
    const isKnown = (await this.redis.hget(this.keys.organizationsSlowed(), id)) === String(untilMs);
    if (isKnown) return;
    await this.redis.hset(this.keys.organizationsSlowed(), id, untilMs);
    await this.announce(id);
  }

  /** Keeps the whole record and announces it to every worker. */
  async save(id: string, settings: OrganizationSettings): Promise<Organization> {
    const now = new Date().toISOString();
    const before = await this.findRecord(id);
    const organization = { ...settings, id, created_at: before?.created_at ?? now, updated_at: now };
    await this.redis.hset(this.keys.organizations(), id, JSON.stringify(organization));
    // Other quotas may leave it room: the next execution that ends slows it down again where they do not.
    await this.redis.hdel(this.keys.organizationsSlowed(), id);
    await this.announce(id);
    return organization;
  }

  /** Whether there was a record. */
  async remove(id: string): Promise<boolean> {
    const removed = await this.redis.hdel(this.keys.organizations(), id);
    await this.redis.hdel(this.keys.organizationsSlowed(), id);
    await this.announce(id);
    return removed > 0;
  }

  private async announce(id: string): Promise<void> {
    await this.redis.publish(this.keys.organizationsChanged(), id);
  }
}

/** One execution at a time; what else is set of its order holds too. */
const slowedDown = (record: Organization): Organization => ({ ...record, max_running: 1 });

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
