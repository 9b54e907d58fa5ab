import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { NoArchiveError } from '../archive/archive-database.js';
import { ArchiveReader } from '../archive/archive-reader.js';
import type { ExecutionResult } from '../contract/result.js';
import { WORK_QUEUE } from '../queue/queue-tokens.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { type LedgerEntry, ResultStore } from '../results/result-store.js';
import { jobIdOf } from '../contract/job-id.js';
import { withinArchive } from './archive-bound.js';
import { withinRedisLimit } from './redis-bound.js';

/** How far an execution is; `unknown` also when its result has expired and nobody archived it. */
export type Progress =
  | { state: 'unknown' }
  | { state: 'queued' }
  | ({ state: 'running' } & LedgerEntry)
  | { state: 'ended'; result: ExecutionResult };

/** Finds out how far an execution is, from what its producer and its worker wrote, and then from the history. */
@Injectable()
export class ExecutionLookup {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly results: ResultStore,
    private readonly keys: RedisKeys,
    private readonly archive: ArchiveReader,
  ) {}

  /** @throws {ProblemException} 503 when Redis, or the archive where Redis knows nothing, does not answer in time. */
  async find(executionId: string): Promise<Progress> {
    const progress = await withinRedisLimit(this.lookUp(executionId));
    if (progress.state !== 'unknown') return progress;
    const result = await withinArchive(this.findArchived(executionId));
    return result ? { state: 'ended', result } : progress;
  }

  /** The result alone, or null. Throws as {@link find} does. */
  findResult(executionId: string): Promise<ExecutionResult | null> {
    return withinRedisLimit(this.results.find(executionId));
  }

  private async lookUp(executionId: string): Promise<Progress> {
    const result = await this.results.find(executionId);
    if (result) return { state: 'ended', result };
    const ledger = await this.results.findLedger(executionId);
    // Without a worker it was handed back or waits for its next attempt.
    if (ledger) return ledger.worker === '' ? { state: 'queued' } : { state: 'running', ...ledger };
    if (await this.isQueued(executionId)) return { state: 'queued' };
    // It may have ended between the first question and the last.
    const late = await this.results.find(executionId);
    return late ? { state: 'ended', result: late } : { state: 'unknown' };
  }

  private async findArchived(executionId: string): Promise<ExecutionResult | null> {
    try {
      return await this.archive.find(executionId);
    } catch (error) {
      if (error instanceof NoArchiveError) return null;
      throw error;
    }
  }

  /** Producers choose job ids as they like; a context that waits says the same as a job of ours. */
  private async isQueued(executionId: string): Promise<boolean> {
    const [job, context] = await Promise.all([
      this.queue.getJob(jobIdOf(executionId)),
      this.redis.exists(this.keys.context(executionId)),
    ]);
    return job !== undefined || context === 1;
  }
}
