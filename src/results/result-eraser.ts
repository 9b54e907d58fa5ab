import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import { resultJobId } from '../contract/jobs/job.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { FORGET } from './execution-scripts.js';
import { RESULT_QUEUE } from './result-publisher.js';

/** What Redis had of an execution; one that has not ended is left alone. */
export type Erased = 'absent' | 'unfinished' | 'forgotten';

/**
 * Removes what Redis has of executions that have ended: result, ledger, attempts, context, logs, and the
 * result-queue job unless a consumer has it in hand. A mark stays as long as a result would have, so that
 * a late delivery or a worker that was frozen brings nothing back; the id cannot be used again meanwhile.
 */
@Injectable()
export class ResultEraser {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RESULT_QUEUE) private readonly resultQueue: Queue,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  async erase(executionId: string): Promise<Erased> {
    const keys = [this.keys.result(executionId), this.keys.ledger(executionId)];
    const args = [new Date().toISOString(), this.settings.ttlSeconds];
    const [found, runs] = (await FORGET.run(this.redis, keys, args)) as [Erased, string];
    if (found === 'unfinished') return found;
    const all = Array.from({ length: Number(runs) }, (_, index) => index + 1);
    const others = [
      ...[this.keys.context, this.keys.logs, this.keys.attempts, this.keys.webhooks].map((key) =>
        key(executionId),
      ),
      ...all.map((run) => this.keys.formerResult(executionId, run)),
    ];
    await Promise.all(others.map((key) => this.redis.del(key)));
    // A consumer's own as long as it holds it; BullMQ drops it a day after that.
    await Promise.all(
      all.map((run) => this.resultQueue.remove(resultJobId(executionId, run)).catch(() => undefined)),
    );
    return found;
  }
}
