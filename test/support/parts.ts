import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { parseSettings, type Settings } from '../../src/config/settings.js';
import { resultQueueName } from '../../src/contract/jobs/job.js';
import type { Outcome } from '../../src/contract/result.js';
import { refusedOutcome } from '../../src/outcome/outcome.js';
import type { RedisClient } from '../../src/redis/connections.js';
import type { RedisKeys } from '../../src/redis/keys.js';
import { ExecutionClosing } from '../../src/results/execution-closing.js';
import { LogWriter } from '../../src/results/log-writer.js';
import type { TestRedis } from './servers/test-redis.js';

/**
 * Settings of one worker of a suite; ids are its own, so that tests do not meet in Redis. No archive
 * unless asked for: it would start a database for each.
 */
export const settingsOf = (changes: Record<string, string> = {}): Settings =>
  parseSettings({ WORKER_ID: `w-${randomUUID()}`, ROLES: 'worker,api', ...changes });

/** The result queue of a suite, over a connection of its own, closed with the suite. */
export function openResultQueue(redis: TestRedis, { QUEUE_NAME, KEY_PREFIX }: Settings): Queue {
  const queue = new Queue(resultQueueName(QUEUE_NAME), {
    connection: redis.connect(),
    prefix: `${KEY_PREFIX}bull`,
  });
  queue.on('error', () => undefined);
  redis.onDispose(() => queue.close());
  return queue;
}

/** A success that returned `result`, changed as wanted. */
export function anOutcome(result: unknown, changes: Partial<Outcome> = {}): Outcome {
  const startedAt = new Date('2026-03-01T10:00:00.000Z');
  const finishedAt = new Date('2026-03-01T10:00:01.000Z');
  return {
    ...refusedOutcome({ code: 'INTERNAL', message: '' }, { startedAt, finishedAt }),
    success: true,
    status: 'succeeded',
    result,
    error: null,
    error_type: null,
    failure: null,
    exit_code: 0,
    stdout: 'out\n',
    ...changes,
  };
}

/** What the queue says of the first run of an execution, for parts that are tested without one. */
export const aFirstRun = {
  run: 1,
  attempt: 1,
  times: { queue: 1, delay: null, backoff: null },
  mark: null,
} as const;

/** What ends an execution beside its result, for parts that are tested without it. */
export const closingOf = (client: RedisClient, keys: RedisKeys, settings: Settings): ExecutionClosing =>
  new ExecutionClosing(client, keys, new LogWriter(client, keys, settings));
