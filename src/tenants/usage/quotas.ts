import { Inject, Injectable } from '@nestjs/common';
import { type Organization, type QuotaAction, type QuotaName, QUOTAS } from '../../contract/organization.js';
import { after, type Soon } from '../../lib/soon.js';
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
  refusing(organization: string): Soon<UsedUp | null> {
    return this.usedUp(organization, 'refuse');
  }

  /** Has an organization slowed down until the end of the day, where a quota that says so is used up. */
  slowWhereUsedUp(organization: string): Soon<void> {
    return after(this.usedUp(organization, 'slow'), (used) =>
      used ? this.store.slow(organization, used.resetsAt) : undefined,
    );
  }

  private usedUp(id: string, action: QuotaAction): Soon<UsedUp | null> {
    return after(this.organizations.find(id), ({ quotas }) => {
      const named = QUOTAS.filter((name) => quotas[name]?.action === action);
      return named.length === 0 ? null : this.usedUpAmong(id, quotas, named);
    });
  }

  private async usedUpAmong(
    id: string,
    quotas: Organization['quotas'],
    named: readonly QuotaName[],
  ): Promise<UsedUp | null> {
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
