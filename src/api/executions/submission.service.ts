import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import { JOB_NAMES, type JobKind, type TaskJob } from '../../contract/jobs/job.js';
import { parseTraceparent } from '../../contract/traceparent.js';
import { executionJob, signedTask } from '../../contract/jobs/signature.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { ResultStore } from '../../results/result-store.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { retryOptions, retryPeriodSeconds } from './retry-options.js';
import { ProblemException } from '../http/problem.js';
import { redisAway, withinRedisLimit } from '../http/redis-bound.js';
import { checkLimits, type ExecutionRequest, type TaskRequest } from './requests.js';

/** How long a context outlives the time limit of its execution: time to wait in the queue. */
const CONTEXT_SLACK_SECONDS = 3_600;
const NOT_ACCEPTED = 'Redis does not answer. Nothing was accepted; send it again later';

/**
 * Puts executions and tasks on the work queue. What was answered as failed must not start
 * much later, so first steps use the connection that fails when Redis is away instead of waiting.
 */
@Injectable()
export class SubmissionService {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly results: ResultStore,
    private readonly keys: RedisKeys,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /**
   * Queues an inline task and returns its id.
   * @throws {ProblemException} 400 or 413 naming the field, 409 when the id is known, 503 without Redis.
   */
  async submitTask(
    { taskId, attempts, backoff, ...task }: TaskRequest,
    traceparent?: string,
  ): Promise<string> {
    checkLimits(
      { field: 'code', value: task.code },
      { field: 'timeout', value: task.timeout },
      this.settings,
    );
    const id = taskId ?? randomUUID();
    await this.prepare(taskId, 'taskId');
    await this.send(id, async () => {
      const data: TaskJob = signedTask(this.key, { taskId: id, ...task });
      await this.enqueue('task', id, data, {
        ...retryOptions(attempts ?? 1, backoff ?? 0),
        ...placeOf(traceparent),
      });
      if (taskId !== undefined) await this.confirmTask(data);
    });
    return id;
  }

  /**
   * Writes the context of an execution, queues it and returns its id.
   * @throws {ProblemException} as {@link submitTask}.
   */
  async submitExecution(request: ExecutionRequest, traceparent?: string): Promise<string> {
    const { execution_id: givenId, attempts, backoff, ...context } = request;
    const retries = retryOptions(attempts ?? 1, backoff ?? 0);
    checkLimits(
      { field: 'workflow_code', value: context.workflow_code },
      { field: 'timeout_seconds', value: context.timeout_seconds },
      this.settings,
    );
    const id = givenId ?? randomUUID();
    const attemptSeconds = context.timeout_seconds ?? this.settings.defaultTimeoutMs / 1000;
    const ttlSeconds = Math.ceil(retryPeriodSeconds(retries, attemptSeconds) + CONTEXT_SLACK_SECONDS);
    await this.prepare(givenId, 'execution_id');
    await this.send(id, async () => {
      const document = JSON.stringify(context);
      await this.writeContext(id, document, ttlSeconds);
      await this.enqueue('execution', id, executionJob(this.key, id, document), {
        ...retries,
        ...placeOf(traceparent),
      });
    });
    return id;
  }

  /** What we submit is signed by the first key, where there is one. */
  private get key(): string | undefined {
    return this.settings.signingKeys[0];
  }

  private async enqueue(kind: JobKind, id: string, data: object, options: JobsOptions): Promise<void> {
    await this.queue.add(JOB_NAMES[kind], data, { jobId: jobIdOf(id), ...options });
  }

  private async refuseKnown(id: string, field: string): Promise<void> {
    const [result, ledger, erased, job] = await Promise.all([
      this.results.find(id),
      this.results.findLedger(id),
      this.results.isForgotten(id),
      this.queue.getJob(jobIdOf(id)),
    ]);
    if (result !== null || ledger !== null || erased || job !== undefined) throw known(id, field);
  }

  /**
   * The first context of an id stays. The same one again is no conflict: a client that tries again
   * after a 503 finds its own context, whose job may be missing, and a job added twice is one job.
   */
  private async writeContext(id: string, document: string, ttlSeconds: number): Promise<void> {
    const key = this.keys.context(id);
    if ((await this.redis.set(key, document, 'EX', ttlSeconds, 'NX')) === 'OK') return;
    const first = await this.redis.get(key);
    if (first !== document) throw known(id, 'execution_id');
    await this.redis.expire(key, ttlSeconds);
  }

  /** BullMQ silently ignores a second job of an id: of two different tasks at once one must get an error. */
  private async confirmTask(task: TaskJob): Promise<void> {
    const stored = await this.queue.getJob(jobIdOf(task.taskId));
    if (stored && (stored.data as Partial<TaskJob>).code !== task.code) throw known(task.taskId, 'taskId');
  }

  /** Only reads: when this fails, nothing was added, and the answer says so. */
  private async prepare(givenId: string | undefined, field: string): Promise<void> {
    if (this.redis.status !== 'ready') throw redisAway(NOT_ACCEPTED);
    await withinRedisLimit(this.redis.ping(), NOT_ACCEPTED);
    if (givenId !== undefined) await withinRedisLimit(this.refuseKnown(givenId, field), NOT_ACCEPTED);
  }

  private async send(id: string, work: () => Promise<void>): Promise<void> {
    await withinRedisLimit(
      work(),
      `Redis does not answer. Whether ${id} was accepted is not known: ask for it later, or send it again with this id`,
    );
  }
}

const known = (id: string, field: string): ProblemException =>
  new ProblemException('conflict', `${field}: ${id} is known already; choose another id or leave it out`, {
    errors: [{ field, message: 'is known already; choose another or leave it out' }],
  });

/** The caller's place in a trace, for the code; where we trace ourselves, BullMQ puts ours instead. */
const placeOf = (traceparent: string | undefined): JobsOptions =>
  parseTraceparent(traceparent) === null ? {} : { telemetry: { metadata: JSON.stringify({ traceparent }) } };
