import { Queue, Worker, type JobsOptions } from 'bullmq';
import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from '../../src/contract/context.js';
import { JOB_NAMES, RESULT_JOB_NAME, resultQueueName, type TaskJob } from '../../src/contract/jobs/job.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import type { TaskResult } from '../../src/contract/clients/task-result.js';
import type { Patience, RedisClient } from '../../src/redis/connections.js';
import { RedisKeys } from '../../src/redis/keys.js';
import type { TestRedis } from './servers/test-redis.js';
import { until } from './until.js';

/** Where a producer gets its connections. */
export interface RedisSource {
  connect(patience?: Patience): RedisClient;
}

const CONTEXT_TTL_SECONDS = 3600;

/**
 * What stands at the other end of both queues: puts jobs in as the execution engine and the task
 * orchestrator do, and consumes every result.
 */
export class Producer {
  private readonly connection: RedisClient;
  private readonly keys: RedisKeys;
  readonly queue: Queue;
  private readonly consumer: Worker;
  /** Jobs of the result queue that came. */
  private readonly jobs = new Set<string>();
  /** Everything that came by the result queue, in order. */
  readonly received: (ExecutionResult | TaskResult)[] = [];
  private readonly receivedById = new Map<string, (ExecutionResult | TaskResult)[]>();
  /** Of each id that a first result is waited for. */
  private readonly arrivals = new Map<string, PromiseWithResolvers<void>>();

  constructor(redis: RedisSource, options: { queueName?: string; keyPrefix?: string } = {}) {
    const queueName = options.queueName ?? 'bifrost-executions';
    const keyPrefix = options.keyPrefix ?? '';
    this.connection = redis.connect();
    this.keys = new RedisKeys(keyPrefix);
    const shared = { connection: this.connection, prefix: `${keyPrefix}bull` };
    this.queue = new Queue(queueName, shared);
    this.consumer = new Worker(
      resultQueueName(queueName),
      (job) => {
        // It comes again when this consumer lost its lock: that is no second result.
        const isNew = !this.jobs.has(`${job.id}:${job.timestamp}`);
        this.jobs.add(`${job.id}:${job.timestamp}`);
        if (isNew && job.name === RESULT_JOB_NAME) this.keep(job.data as ExecutionResult | TaskResult);
        return Promise.resolve();
      },
      { ...shared, concurrency: 50 },
    );
    this.queue.on('error', () => undefined);
    this.consumer.on('error', () => undefined);
  }

  /** Puts a task on the queue and returns its id. */
  async submitTask(task: TaskJob): Promise<string> {
    await this.queue.add(JOB_NAMES.task, task);
    return task.taskId;
  }

  /** Stores the context, then puts the execution on the queue; returns its id. */
  async submitExecution(
    context: ExecutionContext,
    executionId: string = randomUUID(),
    options: JobsOptions = {},
  ): Promise<string> {
    await this.connection.set(
      this.keys.context(executionId),
      JSON.stringify(context),
      'EX',
      CONTEXT_TTL_SECONDS,
    );
    await this.queue.add(JOB_NAMES.execution, { execution_id: executionId }, options);
    return executionId;
  }

  /** Gives an execution that has not begun another context. */
  async replaceContext(executionId: string, context: ExecutionContext): Promise<void> {
    await this.connection.set(
      this.keys.context(executionId),
      JSON.stringify(context),
      'EX',
      CONTEXT_TTL_SECONDS,
    );
  }

  /** Id of the worker that carries out the execution now, as the ledger says. */
  async currentWorker(executionId: string): Promise<string | null> {
    return this.connection.hget(this.keys.ledger(executionId), 'worker');
  }

  /** Puts any data on the work queue, as a broken producer would, and returns the id of the job. */
  async submitRaw(data: unknown): Promise<string> {
    const job = await this.queue.add(JOB_NAMES.execution, data);
    return job.id as string;
  }

  /** Every result that came for this id so far; more than one is a broken guarantee. */
  resultsOf(id: string): (ExecutionResult | TaskResult)[] {
    return this.receivedById.get(id) ?? [];
  }

  /** Waits for the result of a task on the result queue. */
  async taskResult(taskId: string, timeoutMs = 150_000): Promise<TaskResult> {
    return (await this.firstResult(taskId, timeoutMs)) as TaskResult;
  }

  /** Waits for the result of an execution on the result queue. */
  async executionResult(executionId: string, timeoutMs = 150_000): Promise<ExecutionResult> {
    return (await this.firstResult(executionId, timeoutMs)) as ExecutionResult;
  }

  /** The result document in Redis, of an execution or a task. */
  async storedResult(id: string): Promise<ExecutionResult | undefined> {
    const text = await this.connection.get(this.keys.result(id));
    return text === null ? undefined : (JSON.parse(text) as ExecutionResult);
  }

  /** Stops consuming; what is in Redis stays there. */
  async close(): Promise<void> {
    await Promise.all([this.consumer.close(true), this.queue.close()]);
  }

  private keep(result: ExecutionResult | TaskResult): void {
    this.received.push(result);
    const id = idOf(result);
    this.receivedById.set(id, [...this.resultsOf(id), result]);
    this.arrivals.get(id)?.resolve();
    this.arrivals.delete(id);
  }

  private firstResult(id: string, timeoutMs: number): Promise<ExecutionResult | TaskResult> {
    const arrival = this.arrivals.get(id) ?? Promise.withResolvers<void>();
    if (this.resultsOf(id).length === 0) this.arrivals.set(id, arrival);
    return until(() => this.resultsOf(id)[0], {
      timeoutMs,
      what: `a result of ${id} on the result queue`,
      wake: arrival.promise,
    });
  }
}

const idOf = (result: ExecutionResult | TaskResult): string =>
  'taskId' in result ? result.taskId : result.execution_id;

/** Makes producers that are closed before the Redis of the suite ends. */
export function useProducers(
  redis: TestRedis,
): (options?: { queueName?: string; keyPrefix?: string }) => Producer {
  return (options) => {
    const producer = new Producer(redis, options);
    redis.onDispose(() => producer.close());
    return producer;
  };
}
