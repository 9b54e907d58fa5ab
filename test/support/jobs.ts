import { randomUUID } from 'node:crypto';
import type { Job, JobsOptions, Queue } from 'bullmq';
import type { ExecutionResult } from '../../src/contract/result.js';
import { RedisKeys } from '../../src/redis/keys.js';
import type { RedisClient } from '../../src/redis/connections.js';
import { aContext } from './builders.js';
import type { Producer } from './producer.js';
import type { StartCounter } from './start-counter.js';
import { until } from './until.js';

/** Longer than the failover of a killed worker takes on a busy machine. */
const WAIT_MS = 150_000;

/** An execution on the work queue, and its job. */
export interface Submitted {
  id: string;
  job: Job;
}

/** Puts executions that say when they start on the work queue, and waits for what becomes of them. */
export class Jobs {
  readonly queue: Queue;
  private readonly keys = new RedisKeys('');

  constructor(
    private readonly producer: Producer,
    private readonly client: RedisClient,
    private readonly starts: StartCounter,
  ) {
    this.queue = producer.queue;
  }

  /** Writes a context whose function has this body, after it has counted its start. */
  async writeContext(id: string, body: string): Promise<void> {
    const code = `export default async (parameters, context) => {
      ${this.starts.count('context.executionId')} ${body}
    }`;
    await this.client.set(this.keys.context(id), JSON.stringify(aContext({ workflow_code: code })));
  }

  add(id: string, options: JobsOptions = {}, data: object = {}): Promise<Job> {
    return this.queue.add('execute', { execution_id: id, ...data }, options);
  }

  /** Adds an execution with its context. */
  async submit(body: string, options: JobsOptions = {}, id: string = randomUUID()): Promise<Submitted> {
    await this.writeContext(id, body);
    return { id, job: await this.add(id, options) };
  }

  /** The result that came as number `count` of this id. */
  ended(id: string, count = 1): Promise<ExecutionResult> {
    return until(() => this.producer.resultsOf(id)[count - 1] as ExecutionResult | undefined, {
      timeoutMs: WAIT_MS,
      what: `result ${count} of ${id}`,
    });
  }

  async reaches({ id }: Pick<Job, 'id'>, state: string): Promise<void> {
    await until(async () => (await this.queue.getJobState(id as string)) === state, {
      timeoutMs: WAIT_MS,
      what: `job ${id} is ${state}`,
    });
  }

  /** The job as it is now. */
  async fresh({ id }: Pick<Job, 'id'>): Promise<Job> {
    return (await this.queue.getJob(id as string)) as Job;
  }

  /** The lines of its log. */
  async logOf({ id }: Pick<Job, 'id'>): Promise<string[]> {
    return (await this.queue.getJobLogs(id as string)).logs;
  }
}
