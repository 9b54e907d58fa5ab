import type { Queue } from 'bullmq';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { type Tick, tickExecutionId, tickJobIdOf } from '../../contract/jobs/schedule.js';
import type { RedisClient } from '../../redis/connections.js';
import type { RedisKeys } from '../../redis/keys.js';

/** Where ticks are looked up. */
export interface TickPlaces {
  redis: RedisClient;
  queue: Queue;
  keys: RedisKeys;
}

/** It has no result yet, and a job that would bring it to one: an operator may have removed that. */
export async function isTickOpen(tick: Tick, { redis, queue, keys }: TickPlaces): Promise<boolean> {
  const executionId = tickExecutionId(tick);
  const names = [`repeat:${tick.schedule}:${tick.dueMs}`, tickJobIdOf(executionId), jobIdOf(executionId)];
  const jobs = [...new Set(names)].filter((name) => name !== null);
  const [hasResult, ...found] = await Promise.all([
    redis.exists(keys.result(executionId)),
    ...jobs.map((name) => redis.hmget(queue.toKey(name), 'data', 'finishedOn')),
  ]);
  return hasResult === 0 && found.some(([data, finishedOn]) => data !== null && finishedOn === null);
}
