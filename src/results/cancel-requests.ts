import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import { type CancelRequest, REASON_LIMIT_CHARS } from '../contract/cancellation.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { ASK_CANCEL } from './execution-scripts.js';
import { WorkerLease } from './worker-lease.js';

/** What {@link CancelRequests.find} finds. */
export interface Findings {
  requests: Map<string, CancelRequest>;
  /** Ids of executions. */
  overtaken: string[];
}

/** What a request to cancel met. */
export type CancelNote =
  | { kind: 'ended' }
  | {
      kind: 'noted';
      /** The first request that came; later ones change nothing. */
      request: CancelRequest;
      /** It is the first request. */
      isNew: boolean;
      /** A worker carries the execution out now. */
      owned: boolean;
      /** How often its code was started. */
      attempt: number;
      /** Which run of the execution it is. */
      run: number;
    };

/**
 * Requests to cancel: a note in the ledger, which every worker reads in the same step in which it takes
 * an execution, and a message, which reaches the worker that runs it at once. The note is what counts.
 */
@Injectable()
export class CancelRequests {
  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly lease: WorkerLease,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /** Notes that the execution is to end, unless it has ended. */
  async note(executionId: string, reason: string | null): Promise<CancelNote> {
    const words = (reason ?? '').slice(0, REASON_LIMIT_CHARS);
    const args = [new Date().toISOString(), words, this.settings.unfinishedTtlSeconds];
    const keys = [this.keys.result(executionId), this.keys.ledger(executionId)];
    const reply = (await ASK_CANCEL.run(this.redis, keys, args)) as
      | ['ended']
      | ['noted', string, string, string, string, string, string];
    if (reply[0] === 'ended') return { kind: 'ended' };
    const [, owner, attempt, askedAt, noted, isNew, run] = reply;
    return {
      kind: 'noted',
      request: { askedAt, reason: noted || null },
      isNew: isNew === '1',
      owned: owner !== '',
      attempt: Number(attempt),
      run: Number(run),
    };
  }

  /** Publishes a noted request to the workers. */
  async announce(executionId: string, { askedAt, reason }: CancelRequest): Promise<void> {
    const message = JSON.stringify({ execution_id: executionId, reason, asked_at: askedAt });
    await this.redis.publish(this.keys.cancelChannel(), message);
  }

  /**
   * What became elsewhere of executions that this worker has in hand: requests to cancel, and those that have their
   * result although another worker made it.
   */
  async find(executionIds: readonly string[]): Promise<Findings> {
    const found: Findings = { requests: new Map(), overtaken: [] };
    // Single commands, sent together: on Cluster the ledgers are in different slots.
    await Promise.all(
      executionIds.map(async (id) => {
        const key = this.keys.ledger(id);
        const [[askedAt, reason, owner], flagged] = await Promise.all([
          this.redis.hmget(key, 'cancel_asked_at', 'cancel_reason', 'owner'),
          this.findFlag(id),
        ]);
        const noted = askedAt ? { askedAt, reason: reason || null } : flagged;
        if (noted) found.requests.set(id, noted);
        if (owner === this.lease.owner) return;
        if ((await this.redis.exists(this.keys.result(id))) === 1) found.overtaken.push(id);
      }),
    );
    return found;
  }

  /** The request that another program left as the flag `bifrost:exec:{execution_id}:cancel`; null: none. */
  async findFlag(executionId: string): Promise<CancelRequest | null> {
    const isSet = (await this.redis.exists(this.keys.cancelFlag(executionId))) === 1;
    return isSet ? { askedAt: new Date().toISOString(), reason: null } : null;
  }
}
