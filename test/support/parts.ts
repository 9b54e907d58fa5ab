import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { parseSettings, type Settings } from '../../src/config/settings.js';
import { resultQueueName } from '../../src/contract/jobs/job.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import { resultDocument } from '../../src/outcome/result-document.js';
import type { RedisClient } from '../../src/redis/connections.js';
import type { RedisKeys } from '../../src/redis/keys.js';
import { ExecutionClosing } from '../../src/results/execution-closing.js';
import { ExecutionUpdates } from '../../src/results/clients/execution-updates.js';
import { LogWriter } from '../../src/results/logs/log-writer.js';
import { WaitingCallers } from '../../src/results/clients/waiting-callers.js';
import type { WebhookQueue } from '../../src/results/webhooks/webhook-queue.js';
import type { UsageCounter } from '../../src/tenants/usage/usage-counter.js';
import type { TestRedis } from './servers/test-redis.js';
import { logSettings, resultSettings } from '../../src/config/slices.js';

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

/** What the queue says of the first run of an execution, for parts that are tested without one. */
export const aFirstRun = {
  run: 1,
  attempt: 1,
  times: { queue: 1, delay: null, backoff: null },
  starts: 1,
  mark: null,
} as const;

/** What a result says of an attempt, beside which attempt of which execution it was. */
export type Outcome = Omit<ExecutionResult, 'execution_id' | 'worker_id' | 'attempt' | 'queued_ms'>;

/** A success that returned `result`, changed as wanted. */
export function anOutcome(result: unknown, changes: Partial<Outcome> = {}): Outcome {
  const {
    execution_id: _id,
    worker_id: _worker,
    attempt: _attempt,
    queued_ms: _queued,
    ...unrun
  } = resultDocument(
    { executionId: '', workerId: '', ...aFirstRun },
    {
      startedAt: new Date('2026-03-01T10:00:00.000Z'),
      finishedAt: new Date('2026-03-01T10:00:01.000Z'),
      finding: null,
    },
  );
  return { ...unrun, metrics: {}, result, exit_code: 0, stdout: 'out\n', ...changes };
}

/** A whole result document. */
export const aDocument = (executionId: string, outcome: Outcome, attempt = 1): ExecutionResult => ({
  execution_id: executionId,
  worker_id: 'w1',
  attempt,
  queued_ms: 5,
  ...outcome,
});

/** What ends an execution beside its result, for parts that are tested without it. */
export const closingOf = (
  client: RedisClient,
  keys: RedisKeys,
  settings: Settings,
  usage = { countEnd: () => Promise.resolve() } as unknown as UsageCounter,
): ExecutionClosing => {
  const results = resultSettings.of(settings);
  const updates = new ExecutionUpdates(client, keys, results);
  const logs = new LogWriter(client, keys, updates, logSettings.of(settings));
  const webhooks = { addExecution: () => Promise.resolve() } as unknown as WebhookQueue;
  return new ExecutionClosing(
    client,
    keys,
    logs,
    updates,
    new WaitingCallers(client, keys, results),
    webhooks,
    usage,
  );
};
