import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Organization, unsetOrganization } from '../../contract/organization.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { asText, RedisSubscription } from '../../redis/redis-subscription.js';
import { OrganizationStore } from './organization-store.js';

/** A message that Redis lost is made up for within this time. */
const MAX_AGE_MS = 5_000;
const MOST_KEPT = 10_000;

interface Kept {
  organization: Promise<Organization>;
  atMs: number;
}

/**
 * What is set of each organization, as an execution needs it: read once, and read again when it has changed
 * (channel `bifrost:organizations:changed`), at the latest after 5 s. Without a record it has the defaults.
 */
@Injectable()
export class OrganizationDirectory implements OnModuleInit, OnApplicationShutdown {
  private readonly kept = new Map<string, Kept>();
  private readonly subscription: RedisSubscription<string>;

  constructor(
    private readonly store: OrganizationStore,
    @Inject(IMPATIENT_REDIS) redis: RedisClient,
    keys: RedisKeys,
  ) {
    this.subscription = new RedisSubscription(redis, new Logger('Organizations'), {
      name: 'change of an organization',
      channels: [keys.organizationsChanged()],
      decode: asText,
      receive: (id) => void this.kept.delete(id),
      onOpen: () => this.kept.clear(),
      refusal:
        'Redis does not let this worker subscribe; what is set of organizations takes effect after 5 s only',
    });
  }

  onModuleInit(): void {
    void this.subscription.start();
  }

  onApplicationShutdown(): void {
    this.subscription.stop();
  }

  /** What is set of it. Rejects as Redis does. */
  find(id: string): Promise<Organization> {
    const known = this.kept.get(id);
    const nowMs = performance.now();
    if (known && nowMs - known.atMs < MAX_AGE_MS) return known.organization;
    const organization = this.store.find(id).then((found) => found ?? unsetOrganization(id));
    const kept = { organization, atMs: nowMs };
    this.keep(id, kept);
    organization.catch(() => {
      if (this.kept.get(id) === kept) this.kept.delete(id);
    });
    return organization;
  }

  private keep(id: string, kept: Kept): void {
    this.kept.delete(id);
    this.kept.set(id, kept);
    if (this.kept.size <= MOST_KEPT) return;
    const [oldest] = this.kept.keys();
    this.kept.delete(oldest as string);
  }
}
