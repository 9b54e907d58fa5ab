import { randomUUID } from 'node:crypto';
import { type Job, type JobsOptions, Queue, Worker } from 'bullmq';
import type { ExecutionContext } from '../contract/context.js';
import { JOB_NAMES, RESULT_JOB_NAME, resultQueueName } from '../contract/jobs/job.js';
import type { ExecutionResult } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import type { CampaignProducer } from './audit.js';

const CONTEXT_TTL_SECONDS = 86_400;
const RESULTS_AT_ONCE = 50;

/** Both ends of the queues of a campaign: puts executions on the work queue, and consumes every result. */
export class QueueEnds implements CampaignProducer {
  private readonly keys: RedisKeys;
  private readonly work: Queue;
  private readonly results: Worker;
  private readonly jobs = new Set<string>();
  private readonly received = new Map<string, ExecutionResult[]>();

  constructor(
    private readonly redis: RedisClient,
    { queueName, keyPrefix }: { queueName: string; keyPrefix: string },
  ) {
    this.keys = new RedisKeys(keyPrefix);
    const shared = { connection: redis, prefix: `${keyPrefix}bull` };
    this.work = new Queue(queueName, shared);
    this.results = new Worker(
      resultQueueName(queueName),
      async (job) => {
        if (job.name === RESULT_JOB_NAME) this.receive(job);
      },
      { ...shared, concurrency: RESULTS_AT_ONCE },
    );
    this.work.on('error', () => undefined);
    this.results.on('error', () => undefined);
  }

  async submitExecution(
    context: ExecutionContext,
    executionId: string = randomUUID(),
    options: JobsOptions = {},
  ): Promise<string> {
    const text = JSON.stringify(context);
    await this.redis.set(this.keys.context(executionId), text, 'EX', CONTEXT_TTL_SECONDS);
    await this.work.add(JOB_NAMES.execution, { execution_id: executionId }, options);
    return executionId;
  }

  resultsOf(executionId: string): readonly ExecutionResult[] {
    return this.received.get(executionId) ?? [];
  }

  async storedResult(executionId: string): Promise<ExecutionResult | undefined> {
    const text = await this.redis.get(this.keys.result(executionId));
    return text === null ? undefined : (JSON.parse(text) as ExecutionResult);
  }

  async close(): Promise<void> {
    await Promise.all([this.results.close(true), this.work.close()]);
  }

  /** A job comes again when this consumer lost its lock: that is no second result. */
  private receive({ id, timestamp, data }: Job): void {
    const result = data as ExecutionResult;
    const name = `${id}:${timestamp}`;
    if (this.jobs.has(name)) return;
    this.jobs.add(name);
    this.received.set(result.execution_id, [...this.resultsOf(result.execution_id), result]);
  }
}
