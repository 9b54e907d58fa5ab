import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Settings } from '../config/settings.js';
import type { ExecutionContext } from '../contract/context.js';
import { JOB_NAMES, resultJobId, resultQueueName } from '../contract/jobs/job.js';
import { bullPrefix } from '../config/bull-prefix.js';
import { openRedis, type RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { Mismatch } from './mismatch.js';

const POLL_MS = 50;
const CONTEXT_TTL_SECONDS = 3600;

/**
 * The other end of both queues, as another system stands there: puts jobs and contexts in, and reads what comes
 * out. It takes nothing from the consumer of the result queue: it reads the results of its own executions by the
 * id of their jobs. What it has put in, it removes in the end.
 */
export class Wire {
  readonly redis: RedisClient;
  readonly keys: RedisKeys;
  private readonly work: Queue;
  private readonly results: Queue;
  private readonly contexts: string[] = [];
  private readonly resultIds: string[] = [];
  private readonly jobIds: string[] = [];
  private subscriber: RedisClient | null = null;

  /** @param limitMs how long each answer may take */
  constructor(
    settings: Settings,
    private readonly limitMs: number,
  ) {
    this.redis = openRedis(settings.REDIS_URL as string, 'patient', 'bifrost-conformance');
    this.redis.on('error', () => undefined);
    this.keys = new RedisKeys(settings.KEY_PREFIX);
    const shared = { connection: this.redis, prefix: bullPrefix(settings) };
    this.work = new Queue(settings.QUEUE_NAME, shared);
    this.results = new Queue(resultQueueName(settings.QUEUE_NAME), shared);
    for (const queue of [this.work, this.results]) queue.on('error', () => undefined);
  }

  newId(): string {
    return `conformance-${randomUUID()}`;
  }

  /** Puts a task on the queue; resolves with the data of its result. */
  async runTask(data: { taskId: string } & Record<string, unknown>): Promise<unknown> {
    await this.add(JOB_NAMES.task, data);
    return this.result(data.taskId);
  }

  /** Writes a context and puts its execution on the queue. */
  async submit(
    context: ExecutionContext & Record<string, unknown>,
    executionId = this.newId(),
  ): Promise<string> {
    await this.store(executionId, context);
    await this.add(JOB_NAMES.execution, { execution_id: executionId });
    return executionId;
  }

  /** Puts a job on the queue whose context is not there. */
  async submitWithoutContext(): Promise<string> {
    const executionId = this.newId();
    await this.add(JOB_NAMES.execution, { execution_id: executionId });
    return executionId;
  }

  /** The data of a result on the result queue. */
  async result(id: string): Promise<unknown> {
    const jobId = resultJobId(id, 1);
    this.resultIds.push(jobId);
    const job = await this.until(`a result of ${id} on the result queue`, () => this.results.getJob(jobId));
    return job.data as unknown;
  }

  /** The JSON at a key of Redis, once it is there. */
  async document(key: string): Promise<unknown> {
    const text = await this.until(`the key ${key}`, () => this.redis.get(key));
    return JSON.parse(text) as unknown;
  }

  /** Everything that comes on a channel from now on, as JSON; for one channel at a time. */
  async listen(channel: string): Promise<unknown[]> {
    const received: unknown[] = [];
    this.subscriber ??= this.duplicate();
    this.subscriber.on('message', (from: string, text: string) => {
      if (from === channel) received.push(JSON.parse(text));
    });
    await this.subscriber.subscribe(channel);
    return received;
  }

  /**
   * Asks again until there is an answer.
   * @throws {Mismatch} when there is none within the limit
   */
  async until<T>(
    what: string,
    ask: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  ): Promise<T> {
    const deadline = performance.now() + this.limitMs;
    for (;;) {
      const found = await ask();
      if (found !== null && found !== undefined && found !== false) return found;
      if (performance.now() > deadline)
        throw new Mismatch(`${what} did not come within ${this.limitMs / 1000} s`);
      await sleep(POLL_MS);
    }
  }

  /** Removes what it has put in, as far as that is not in use, and ends its connections. */
  async close(): Promise<void> {
    const quiet = (work: Promise<unknown>): Promise<unknown> => work.catch(() => undefined);
    await Promise.all([
      ...this.contexts.map((id) => quiet(this.redis.del(this.keys.context(id)))),
      ...this.resultIds.map((id) => quiet(this.results.remove(id))),
      ...this.jobIds.map((id) => quiet(this.work.remove(id))),
    ]);
    await Promise.all([quiet(this.work.close()), quiet(this.results.close())]);
    this.subscriber?.disconnect();
    this.redis.disconnect();
  }

  /** A connection that subscribes can do nothing else. */
  private duplicate(): RedisClient {
    const copy = (this.redis as { duplicate(): RedisClient }).duplicate();
    return copy.on('error', () => undefined);
  }

  private async store(executionId: string, context: object): Promise<void> {
    this.contexts.push(executionId);
    const key = this.keys.context(executionId);
    await this.redis.set(key, JSON.stringify(context), 'EX', CONTEXT_TTL_SECONDS);
  }

  private async add(name: string, data: object): Promise<void> {
    const job = await this.work.add(name, data);
    this.jobIds.push(job.id as string);
  }
}
