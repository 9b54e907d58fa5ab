import { Injectable } from '@nestjs/common';
import { Quotas, usedUpMessage } from '../../tenants/usage/quotas.js';
import { ProblemException } from '../http/problem.js';
import { NOT_ACCEPTED, withinRedisLimit } from '../http/redis-bound.js';

/** Refuses new work of organizations that have used up a quota. */
@Injectable()
export class QuotaRefusal {
  constructor(private readonly quotas: Quotas) {}

  /** @throws {ProblemException} 429 that says when the quota begins anew, 503 without Redis. */
  async refuseUsedUp(organization: string): Promise<void> {
    const used = await withinRedisLimit(Promise.resolve(this.quotas.refusing(organization)), NOT_ACCEPTED);
    if (used === null) return;
    const { quota, limit, used: amount, resetsAt } = used;
    const seconds = Math.max(1, Math.ceil((resetsAt.getTime() - Date.now()) / 1_000));
    throw new ProblemException('quota-exceeded', usedUpMessage(used), {
      headers: { 'retry-after': String(seconds) },
      members: { organization, quota, limit, used: amount, resets_at: resetsAt.toISOString() },
    });
  }
}
