import { randomUUID } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Service } from '../lib/service.js';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import { Steadiness } from '../lib/steadiness.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { writeRefusalOf } from '../redis/redis-errors.js';

/** How long a worker is believed to be alive after its last sign, and how often it gives one. */
export const LEASE_TTL_MS = 10_000;
export const LEASE_RENEW_MS = 2_500;
/** A lease that was renewed within this time cannot have expired. */
const FORGOTTEN_WITHIN_MS = LEASE_TTL_MS - LEASE_RENEW_MS;
/** After an outage of Redis every lease is gone: how long the living workers have to renew theirs. */
export const LEASE_GRACE_MS = 5_000;

/**
 * This start of this worker, as other workers see it while deciding whether an execution that is
 * marked as running has lost its worker. A restarted worker of the same id is another owner.
 */
@Injectable()
export class WorkerLease implements Service {
  readonly owner: string;
  private readonly logger = new Logger(WorkerLease.name);
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  private readonly steadiness = new Steadiness(LEASE_RENEW_MS, LEASE_GRACE_MS);
  private timer: NodeJS.Timeout | null = null;
  /** Why Redis did not take the last renewals. */
  private refusal: string | null = null;
  private readonly renewNow = (): void => void this.renew();

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) settings: ResultSettings,
  ) {
    this.owner = `${settings.workerId}#${randomUUID()}`;
  }

  /** Renews from now on; also at once whenever Redis comes back. */
  async start(): Promise<void> {
    if (this.timer) return;
    this.timer = setInterval(this.renewNow, LEASE_RENEW_MS);
    this.redis.on('ready', this.renewNow);
    await this.renew();
  }

  async stop(): Promise<void> {
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    this.redis.off('ready', this.renewNow);
    await this.redis.del(this.keys.lease(this.owner)).catch(() => undefined);
  }

  /** Whether Redis took what was written of late: it is there, and it does not refuse to write. */
  get isRenewed(): boolean {
    return performance.now() - this.renewedAtMs <= 2 * LEASE_RENEW_MS;
  }

  /**
   * Whether it is certain that `owner` no longer runs anything: its lease is gone although Redis was
   * there all the time. In doubt it is alive: running code twice is worse than starting it later.
   */
  async isDead(owner: string): Promise<boolean> {
    if ((await this.redis.exists(this.keys.lease(owner))) === 1) return false;
    return this.steadiness.isSteady(performance.now());
  }

  private async renew(): Promise<void> {
    const key = this.keys.lease(this.owner);
    const askedAtMs = performance.now();
    try {
      const [wasThere] = await Promise.all([
        this.redis.exists(key),
        this.redis.set(key, '1', 'PX', LEASE_TTL_MS),
      ]);
      if (wasThere === 0 && askedAtMs - this.renewedAtMs < FORGOTTEN_WITHIN_MS) this.reportForgotten();
      this.renewedAtMs = askedAtMs;
      this.steadiness.ok(performance.now());
      if (this.refusal !== null) this.logger.log('Redis takes writes again');
      this.refusal = null;
    } catch (error) {
      // The connection reports that Redis is away; the next renewal is due soon.
      const refusal = writeRefusalOf(error as Error);
      if (refusal !== null && refusal !== this.refusal) this.reportRefusal(refusal);
      this.refusal = refusal ?? this.refusal;
    }
  }

  private reportRefusal(reason: string): void {
    this.logger.error({
      msg: 'Redis refuses to write',
      reason,
      consequence: 'nothing is taken until it does, and results wait in the memory of this worker',
    });
  }

  /** A lease that cannot have expired is gone. */
  private reportForgotten(): void {
    this.logger.error({
      msg: 'Redis has lost its data: it was emptied (FLUSHALL), or came back without what was written last',
      consequence:
        'jobs that waited are gone, and their producers have to send them again; what runs here ends and its results are written',
    });
  }
}
