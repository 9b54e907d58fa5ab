import { Inject, Injectable } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import type { ExecutionProgress, ExecutionResult, ExecutionStatus } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';

/** Which worker carries out an execution right now. */
export interface LedgerEntry {
  /** Empty while none does: handed back, or between two attempts. */
  worker: string;
  attempt: number;
  startedAt: string;
  /** The last that its code reported in this attempt. */
  progress: ExecutionProgress | null;
  /** The first request to end it; null: none came. */
  cancel: CancelRequest | null;
}

/** The subject comes before the status in a document, and has at most some tens of tags. */
const HEAD_BYTES = 8_191;

/** Reads results and ledgers; writing them is the business of the ledger and the publisher. */
@Injectable()
export class ResultStore {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** The result, or null while there is none (or none any more). */
  async find(executionId: string): Promise<ExecutionResult | null> {
    const document = await this.redis.get(this.keys.result(executionId));
    return document === null ? null : (JSON.parse(document) as ExecutionResult);
  }

  /** Whether there is a result. */
  async exists(executionId: string): Promise<boolean> {
    return (await this.redis.exists(this.keys.result(executionId))) === 1;
  }

  /** How it ended; null while there is no result. Reads no more of the document than that. */
  async findStatus(executionId: string): Promise<ExecutionStatus | null> {
    const head = await this.redis.getrange(this.keys.result(executionId), 0, HEAD_BYTES);
    if (head === '') return null;
    // Quotes within texts are escaped, so that nothing of a user's reads like this.
    const [, status] = /"success":(?:true|false),"status":"(\w+)"/.exec(head) ?? [];
    if (status !== undefined) return status as ExecutionStatus;
    return (await this.find(executionId))?.status ?? null;
  }

  /** Whether it was deleted so lately that its id cannot be used yet. */
  async isForgotten(executionId: string): Promise<boolean> {
    return (await this.redis.hexists(this.keys.ledger(executionId), 'forgotten')) === 1;
  }

  /** Null when no worker has begun the execution. */
  async findLedger(executionId: string): Promise<LedgerEntry | null> {
    const [owner, worker, attempt, startedAt, askedAt, reason, progress] = await this.redis.hmget(
      this.keys.ledger(executionId),
      'owner',
      'worker',
      'attempt',
      'started_at',
      'cancel_asked_at',
      'cancel_reason',
      'progress',
    );
    if (attempt == null) return null;
    return {
      worker: owner ? (worker ?? '') : '',
      attempt: Number(attempt),
      startedAt: startedAt ?? '',
      progress: progress ? (JSON.parse(progress) as ExecutionProgress) : null,
      cancel: askedAt ? { askedAt, reason: reason || null } : null,
    };
  }
}
