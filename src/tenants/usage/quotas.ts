import { Inject, Injectable } from '@nestjs/common';
import { type Organization, type QuotaAction, type QuotaName, QUOTAS } from '../../contract/organization.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { OrganizationDirectory } from '../organizations/organization-directory.js';
import { OrganizationStore } from '../organizations/organization-store.js';
import { countedOf, dayOf, endOfDay, fieldsOf, usedOf } from './usage-day.js';

/** A quota that is used up. */
export interface UsedUp {
  organization: string;
  quota: QuotaName;
  limit: number;
  used: number;
  /** When it begins anew. */
  resetsAt: Date;
}

/** What is said of it, in answers and in results. */
export const usedUpMessage = ({ organization, quota, limit, used, resetsAt }: UsedUp): string =>
  `The organization ${organization} has used ${used} of ${limit} ${quota} of this day; the quota begins anew at ${resetsAt.toISOString()}`;

/** Whether organizations may have new work. Asks Redis only for those that have a quota. */
@Injectable()
export class Quotas {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly organizations: OrganizationDirectory,
    private readonly store: OrganizationStore,
  ) {}

  /** The quota for which new work of an organization is refused now; null: none. Rejects as Redis does. */
  async refusing(organization: string): Promise<UsedUp | null> {
    return this.usedUp(organization, 'refuse');
  }

  /** Has an organization slowed down until the end of the day, where a quota that says so is used up. */
  async slowWhereUsedUp(organization: string): Promise<void> {
    const used = await this.usedUp(organization, 'slow');
    if (used) await this.store.slow(organization, used.resetsAt);
  }

  private async usedUp(id: string, action: QuotaAction): Promise<UsedUp | null> {
    const { quotas } = await this.organizations.find(id);
    const named = QUOTAS.filter((name) => quotas[name]?.action === action);
    if (named.length === 0) return null;
    const now = Date.now();
    const values = await this.redis.hmget(this.keys.usage(dayOf(now)), ...fieldsOf(id));
    const used = usedOf(countedOf(values));
    const quota = named.find((name) => used[name] >= limitOf(quotas, name));
    if (quota === undefined) return null;
    return {
      organization: id,
      quota,
      limit: limitOf(quotas, quota),
      used: used[quota],
      resetsAt: new Date(endOfDay(now)),
    };
  }
}

const limitOf = (quotas: Organization['quotas'], name: QuotaName): number =>
  quotas[name]?.limit ?? Number.POSITIVE_INFINITY;
