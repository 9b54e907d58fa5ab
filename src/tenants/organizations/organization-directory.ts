import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { type Organization, unsetOrganization } from '../../contract/organization.js';
import type { Soon } from '../../lib/soon.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { KeptRecords } from '../kept-records.js';
import { OrganizationStore } from './organization-store.js';

/** What is set of each organization, as an execution needs it. Without a record it has the defaults. */
@Injectable()
export class OrganizationDirectory implements OnApplicationShutdown {
  private readonly records: KeptRecords<Organization>;

  constructor(store: OrganizationStore, @Inject(PATIENT_REDIS) redis: RedisClient, keys: RedisKeys) {
    this.records = new KeptRecords(redis, new Logger('Organizations'), {
      name: 'change of an organization',
      channel: keys.organizationsChanged(),
      read: async (id) => (await store.find(id)) ?? unsetOrganization(id),
    });
  }

  /** In effect at once after a change, at the latest after 5 s. Rejects as Redis does. */
  find(id: string): Soon<Organization> {
    return this.records.find(id);
  }

  onApplicationShutdown(): void {
    this.records.stop();
  }
}
