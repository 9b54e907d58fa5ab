import { Inject, Injectable } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import { JOB_NAMES, type JobKind, type TaskJob } from '../../contract/jobs/job.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { executionJob, signedTask } from '../../contract/jobs/signature.js';
import { parseTraceparent } from '../../contract/traceparent.js';
import { laneRequestOf, type LaneRequest, NO_LANE } from '../../queue/fairness/lane-request.js';
import { Queueing } from '../../queue/queueing.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { NOT_ACCEPTED, redisAway, withinRedisLimit } from '../http/redis-bound.js';
import { knownId } from './known-executions.js';
import type { CheckedExecution, CheckedTask } from './request-check.js';
import type { ExecutionRequest, TaskRequest } from './requests.js';

/** One job, and what its order depends on. */
interface Enqueued {
  kind: JobKind;
  id: string;
  data: object;
  lane: LaneRequest;
}

/**
 * Writes contexts and puts jobs on the work queue. What was answered as failed must not start much later, so all but
 * the job itself goes by the connection that fails when Redis is away instead of waiting.
 */
@Injectable()
export class JobSender {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly queueing: Queueing,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /** Only asks: when this fails, nothing was added, and the answer says so. @throws {ProblemException} 503 */
  async reach(): Promise<void> {
    if (this.redis.status !== 'ready') throw redisAway(NOT_ACCEPTED);
    await withinRedisLimit(this.redis.ping(), NOT_ACCEPTED);
  }

  /** @throws {ProblemException} 409 when there is another task of this id. */
  async sendTask(
    id: string,
    request: TaskRequest,
    { task, timing }: CheckedTask,
    traceparent?: string,
  ): Promise<void> {
    const { webhook, priority } = request;
    const { expiresAtMs, options } = timing;
    const data: TaskJob = {
      ...signedTask(this.key, { taskId: id, ...task }),
      ...(expiresAtMs === null ? {} : { expiresAt: expiresAtMs }),
      ...(webhook == null ? {} : { webhook }),
    };
    const lane = { ...NO_LANE, priority: priority ?? 0 };
    await this.enqueue({ kind: 'task', id, data, lane }, { ...options, ...traceOf(traceparent) });
    if (request.taskId !== undefined) await this.confirmTask(data);
  }

  /** @throws {ProblemException} 409 when there is another context of this id. */
  async sendExecution(
    id: string,
    request: ExecutionRequest,
    { context, timing }: CheckedExecution,
    traceparent?: string,
  ): Promise<void> {
    const document = JSON.stringify(context);
    const { expiresAtMs, periodSeconds, options } = timing;
    await this.writeContext(id, document, Math.ceil(periodSeconds + this.settings.contextKeptSeconds));
    const data = {
      ...executionJob(this.key, id, document),
      ...(expiresAtMs === null ? {} : { expires_at: expiresAtMs }),
      ...(request.webhook == null ? {} : { webhook: request.webhook }),
    };
    const lane = laneRequestOf(request, request.priority ?? 0);
    await this.enqueue({ kind: 'execution', id, data, lane }, { ...options, ...traceOf(traceparent) });
  }

  /** What we submit is signed by the first key, where there is one. */
  private get key(): string | undefined {
    return this.settings.signingKeys[0];
  }

  private async enqueue({ kind, id, data, lane }: Enqueued, options: JobsOptions): Promise<void> {
    const jobId = jobIdOf(id);
    await this.queueing.add({ name: JOB_NAMES[kind], data, lane }, { jobId, ...options });
  }

  /**
   * The first context of an id stays. The same one again is no conflict: a client that tries again
   * after a 503 finds its own context, whose job may be missing, and a job added twice is one job.
   */
  private async writeContext(id: string, document: string, ttlSeconds: number): Promise<void> {
    const key = this.keys.context(id);
    if ((await this.redis.set(key, document, 'EX', ttlSeconds, 'NX')) === 'OK') return;
    const first = await this.redis.get(key);
    if (first !== document) throw knownId(id, 'execution_id');
    await this.redis.expire(key, ttlSeconds);
  }

  /** BullMQ silently ignores a second job of an id: of two different tasks at once one must get an error. */
  private async confirmTask(task: TaskJob): Promise<void> {
    const stored = await this.queue.getJob(jobIdOf(task.taskId));
    if (stored && (stored.data as Partial<TaskJob>).code !== task.code) throw knownId(task.taskId, 'taskId');
  }
}

/** The caller's place in a trace, for the code; where we trace ourselves, BullMQ puts ours instead. */
const traceOf = (traceparent: string | undefined): JobsOptions =>
  parseTraceparent(traceparent) === null ? {} : { telemetry: { metadata: JSON.stringify({ traceparent }) } };
