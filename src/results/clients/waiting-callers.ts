import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type ResultSettings, resultSettings } from '../../config/slices.js';
import { toWaitedResult, WAITED_RESULT_TTL_SECONDS } from '../../contract/clients/engine.js';
import type { ExecutionResult } from '../../contract/result.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';

/** Callers that wait for a result with BLPOP at the list `bifrost:result:{execution_id}`. */
@Injectable()
export class WaitingCallers {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /**
   * Leaves the result for its caller, where one waits or every execution has one. May be repeated: the list
   * never has more than one entry.
   * @param sync its context says that a caller waits
   */
  async answer(result: ExecutionResult, sync: boolean): Promise<void> {
    if (!sync && !this.settings.areListed) return;
    const key = this.keys.waitedResult(result.execution_id);
    await this.redis
      .multi()
      .del(key)
      .rpush(key, JSON.stringify(toWaitedResult(result)))
      .expire(key, WAITED_RESULT_TTL_SECONDS)
      .exec();
  }
}
