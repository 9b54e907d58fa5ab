import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Organization } from '../../contract/organization.js';
import { batches } from '../../lib/in-batches.js';
import type { Service } from '../../lib/service.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS, PATIENT_REDIS } from '../../redis/redis.module.js';
import { asText, RedisSubscription } from '../../redis/redis-subscription.js';
import { OrganizationStore } from '../../tenants/organizations/organization-store.js';
import { Lanes } from './lanes.js';

const READ_AT_ONCE = 200;
/** A message that was lost, or a copy that was, is made up for within this time. */
const ALL_ANEW_MS = 30_000;

/** What the lanes need of the record of an organization; null: nothing of it concerns them. */
export function limitsOf({ weight, max_running, rate, workflows }: Organization): object | null {
  const caps = Object.entries(workflows).map(([id, cap]) => [id, cap.max_running] as const);
  const limits = {
    ...(weight === 1 ? {} : { weight }),
    ...(max_running == null ? {} : { max_running }),
    ...(rate == null ? {} : { rate: { executions: rate.executions, ms: rate.per_seconds * 1_000 } }),
    ...(caps.length === 0 ? {} : { workflows: Object.fromEntries(caps) }),
  };
  return Object.keys(limits).length === 0 ? null : limits;
}

/**
 * Keeps a copy of what is set of organizations where the lanes can read it in their script, which on Cluster reaches only
 * keys of the queue. A change is there at once; all are compared at the start, every 30 s, and when the copies were lost.
 */
@Injectable()
export class LaneLimits implements Service {
  private readonly logger = new Logger(LaneLimits.name);
  private readonly subscription: RedisSubscription<string>;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly organizations: OrganizationStore,
    private readonly lanes: Lanes,
    @Inject(PATIENT_REDIS) patient: RedisClient,
    keys: RedisKeys,
  ) {
    this.subscription = new RedisSubscription(patient, this.logger, {
      name: 'change of an organization',
      channels: [keys.organizationsChanged()],
      decode: asText,
      receive: (id) => this.copy(id),
      onOpen: () => void this.copyAll(),
      refusal: 'Redis does not let this worker subscribe; caps of organizations take effect after 30 s only',
    });
  }

  async start(): Promise<void> {
    if (!this.lanes.isOn || this.timer) return;
    this.timer = setInterval(() => void this.copyAll(), ALL_ANEW_MS).unref();
    await this.subscription.start();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.subscription.stop();
  }

  private async copy(id: string): Promise<void> {
    const organization = await this.organizations.find(id);
    await this.lanes.setLimits(id, organization && limitsOf(organization));
  }

  /** Compares all records with their copies. Never rejects. */
  async copyAll(): Promise<void> {
    try {
      const [ids, copies] = await Promise.all([
        this.organizations.ids(),
        this.redis.hgetall(`${this.lanes.base}:limits`),
      ]);
      for (const some of batches(ids, READ_AT_ONCE)) {
        const found = await this.organizations.findMany(some);
        const wanted = found.map((one) => [one.id, limitsOf(one)] as const);
        const changed = wanted.filter(
          ([id, limits]) => (limits && JSON.stringify(limits)) !== (copies[id] ?? null),
        );
        await Promise.all(changed.map(([id, limits]) => this.lanes.setLimits(id, limits)));
      }
      const kept = new Set(ids);
      const gone = Object.keys(copies).filter((id) => !kept.has(id));
      await Promise.all(gone.map((id) => this.lanes.setLimits(id, null)));
    } catch (error) {
      this.logger.debug(`records of organizations could not be read: ${(error as Error).message}`);
    }
  }
}
