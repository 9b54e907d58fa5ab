import { Inject, Injectable } from '@nestjs/common';
import type { TaskJob } from '../../contract/jobs/job.js';
import { JobFinder } from '../../queue/job-finder.js';
import { parseJob } from '../../queue/parse-job.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { textUnder } from '../../redis/text-key.js';
import { withinRedisLimit } from '../http/redis-bound.js';

/** What an execution was asked to run, as it is kept in Redis. */
export type KeptInput =
  | { task: TaskJob }
  | {
      /** JSON of its context. */
      document: string;
      /** The ticks of a schedule have it in common, with the secrets in it. */
      isShared: boolean;
    };

/** Finds what executions, tasks and ticks of schedules were asked to run. */
@Injectable()
export class KeptInputs {
  constructor(
    private readonly jobs: JobFinder,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /**
   * null: it is not kept, or not any more. Of a task and of a tick it is in the job, which BullMQ keeps for a while.
   * @throws {ProblemException} 503 without Redis.
   */
  async find(executionId: string): Promise<KeptInput | null> {
    const document = await this.contextOf(executionId);
    if (document !== null) return { document, isShared: false };
    const job = await withinRedisLimit(this.jobs.findByName(executionId));
    const request = job && parseJob(job);
    if (!request || 'refusal' in request) return null;
    if ('task' in request) return { task: request.task };
    const shared = await this.contextOf(request.contextId);
    return shared === null ? null : { document: shared, isShared: true };
  }

  private contextOf(id: string): Promise<string | null> {
    return withinRedisLimit(textUnder(this.redis, this.keys.context(id)));
  }
}
