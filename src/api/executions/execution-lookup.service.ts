import { Inject, Injectable } from '@nestjs/common';
import { NoArchiveError } from '../../archive/archive-database.js';
import { ArchiveReader } from '../../archive/read/archive-reader.js';
import type { ExecutionResult } from '../../contract/result.js';
import type { Waiting } from '../../contract/waiting.js';
import { JobFinder } from '../../queue/job-finder.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { type LedgerEntry, ResultStore } from '../../results/result-store.js';
import { withinArchive } from '../history/archive-bound.js';
import { WaitingService } from './waiting.service.js';
import { withinRedisLimit, withinSearch } from '../http/redis-bound.js';

/** How far an execution is; `unknown` also when its result has expired and was not archived. */
export type Progress =
  | { state: 'unknown' }
  /** `stored`: there is a context, and no job that would have it run. */
  | { state: 'queued' | 'stored'; waiting: Waiting }
  | ({ state: 'running' } & LedgerEntry)
  | { state: 'ended'; result: ExecutionResult };

/** Finds out how far an execution is, from what its producer and its worker wrote, and then from the history. */
@Injectable()
export class ExecutionLookup {
  constructor(
    private readonly jobs: JobFinder,
    private readonly waiting: WaitingService,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly results: ResultStore,
    private readonly keys: RedisKeys,
    private readonly archive: ArchiveReader,
  ) {}

  /** @throws {ProblemException} 503 when Redis, or the archive where Redis knows nothing, does not answer in time. */
  async find(executionId: string): Promise<Progress> {
    const progress = await withinSearch(this.lookUp(executionId));
    if (progress.state !== 'unknown') return progress;
    const result = await withinArchive(this.findArchived(executionId));
    return result ? { state: 'ended', result } : progress;
  }

  /** As {@link find}; one whose result is only in the history has ended, also where its context was kept longer. */
  async findEnded(executionId: string): Promise<Progress> {
    const progress = await this.find(executionId);
    if (progress.state !== 'stored') return progress;
    const result = await withinArchive(this.findArchived(executionId));
    return result ? { state: 'ended', result } : progress;
  }

  /** The result alone, or null. Throws as {@link find} does. */
  findResult(executionId: string): Promise<ExecutionResult | null> {
    return withinRedisLimit(this.results.find(executionId));
  }

  private async lookUp(executionId: string): Promise<Progress> {
    const [result, ledger] = await withinRedisLimit(
      Promise.all([this.results.find(executionId), this.results.findLedger(executionId)]),
    );
    if (result) return { state: 'ended', result };
    // Without a worker it was handed back or waits for its next attempt.
    if (ledger && ledger.worker !== '') return { state: 'running', ...ledger };
    const queued = await this.lookInQueue(executionId);
    if (queued) return queued;
    // It may have begun or ended between the first question and the last.
    const begun = await this.results.findLedger(executionId);
    if (begun && begun.worker !== '') return { state: 'running', ...begun };
    const late = await this.results.find(executionId);
    if (late) return { state: 'ended', result: late };
    if ((await this.redis.exists(this.keys.context(executionId))) === 0) return { state: 'unknown' };
    return { state: 'stored', waiting: await this.waiting.explain(null) };
  }

  private async findArchived(executionId: string): Promise<ExecutionResult | null> {
    try {
      return await this.archive.find(executionId);
    } catch (error) {
      if (error instanceof NoArchiveError) return null;
      throw error;
    }
  }

  private async lookInQueue(executionId: string): Promise<Progress | null> {
    const job = await this.jobs.find(executionId);
    if (!job || job.finishedOn !== undefined) return null;
    return { state: 'queued', waiting: await this.waiting.explain(job) };
  }
}
