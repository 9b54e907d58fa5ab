import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { ArchiveEraser, type Forgettable } from '../../archive/write/archive-eraser.js';
import { NoArchiveError } from '../../archive/archive-database.js';
import { FeedStore } from '../../archive/write/feed-store.js';
import type { ForgetResult } from '../../contract/history.js';
import { executionFolder } from '../../artifacts/artifact-folders.js';
import { ARTIFACT_STORE, type ArtifactStore } from '../../artifacts/artifact-store.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { inBatches } from '../../lib/in-batches.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { ResultEraser } from '../../results/result-eraser.js';
import { withinArchive } from '../history/archive-bound.js';
import { ExecutionLookup } from './execution-lookup.service.js';
import { withinStore } from '../artifacts/store-bound.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';

/** How many executions are erased in Redis at once. */
const AT_ONCE = 20;
/** Erasing waits for a worker or a consumer that is about to be done. */
const LIMIT_MS = 10_000;

/** Removes executions that have ended, in Redis and in the archive, and what they left. What has not ended must be cancelled first. */
@Injectable()
export class ForgetService {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly lookup: ExecutionLookup,
    private readonly results: ResultEraser,
    private readonly archive: ArchiveEraser,
    private readonly feed: FeedStore,
    @Inject(ARTIFACT_STORE) private readonly artifacts: ArtifactStore,
  ) {}

  /** @throws {ProblemException} 404 for an unknown id, 409 for one that has not ended, 503 when Redis or the archive is away. */
  async forgetOne(executionId: string): Promise<ForgetResult> {
    const progress = await this.lookup.find(executionId);
    if (progress.state === 'unknown')
      throw new ProblemException('not-found', `There is no execution ${executionId} to forget`);
    if (progress.state !== 'ended') {
      const detail = `${executionId} has not ended: cancel it first (DELETE /executions/:id), and then forget it`;
      throw new ProblemException('conflict', detail);
    }
    const { finished_at: finishedAt, started_at: startedAt } = progress.result;
    const archived = await withinArchive(this.forget([{ executionId, finishedAt, startedAt }]));
    return { executions: 1, archived };
  }

  /** Everything of an organization that has ended. May be repeated: it goes on where an outage stopped it. */
  forgetOrganization(organization: string): Promise<ForgetResult> {
    return withinArchive(this.forgetAll(organization));
  }

  private async forgetAll(organization: string): Promise<ForgetResult> {
    // Erase what waits for the archive first: else it would be archived in between.
    let some = await withinRedisLimit(this.feed.waitingOf(organization), undefined, LIMIT_MS);
    const total = { executions: some.length, archived: await this.forget(some) };
    do {
      some = await this.archive.some(organization);
      total.executions += some.length;
      total.archived += await this.forget(some);
    } while (some.length > 0);
    await this.archive.tidy();
    return total;
  }

  /** The archive first: from then on it ignores what is still on its way. Returns how many it had. */
  private async forget(executions: readonly Forgettable[]): Promise<number> {
    if (executions.length === 0) return 0;
    // While it is still known where they are: after an outage the same request finds them again.
    await withinStore(this.artifacts.remove(executions.map(folderOf)));
    const archived = await this.eraseArchived(executions);
    const ids = executions.map(({ executionId }) => executionId);
    const erasing = inBatches(ids, AT_ONCE, (id) => this.eraseInRedis(id));
    await withinRedisLimit(erasing, undefined, LIMIT_MS);
    await withinRedisLimit(this.feed.drop(new Set(ids)), undefined, LIMIT_MS);
    return archived;
  }

  private async eraseInRedis(executionId: string): Promise<void> {
    if ((await this.results.erase(executionId)) !== 'forgotten') return;
    // A job in the hands of a worker that is about to finish it cannot be removed; BullMQ drops it a day later.
    await this.queue.remove(jobIdOf(executionId)).catch(() => undefined);
  }

  /** Without an archive there is nothing to erase. */
  private async eraseArchived(executions: readonly Forgettable[]): Promise<number> {
    try {
      return await this.archive.erase(executions);
    } catch (error) {
      if (error instanceof NoArchiveError) return 0;
      throw error;
    }
  }
}

const folderOf = ({ executionId, startedAt }: Forgettable): string =>
  executionFolder(executionId, new Date(startedAt));
