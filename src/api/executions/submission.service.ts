import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type ExecutionSettings, executionSettings } from '../../config/slices.js';
import { JOB_NAMES, type JobKind, type TaskJob } from '../../contract/jobs/job.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';
import { executionJob, signedTask } from '../../contract/jobs/signature.js';
import type { RequestedContext } from '../../contract/context.js';
import { parseTraceparent } from '../../contract/traceparent.js';
import { laneRequestOf, type LaneRequest, NO_LANE } from '../../queue/fairness/lane-request.js';
import { Queueing } from '../../queue/queueing.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { type Caller, mayReach } from '../../tenants/access/caller.js';
import { Ownership } from '../access/ownership.service.js';
import { ownContext } from '../access/own-context.js';
import { NOT_ACCEPTED, redisAway, withinRedisLimit } from '../http/redis-bound.js';
import { QuotaRefusal } from '../organizations/quota-refusal.js';
import { WebhookCheck } from '../webhooks/webhook-check.js';
import { type Claim, fingerprintOf, Idempotency, refuseOtherBody } from './idempotency.service.js';
import { type JobTiming, timingOf } from './job-timing.js';
import { KnownExecutions, knownId } from './known-executions.js';
import { checkLimits, type ExecutionRequest, type TaskRequest } from './requests.js';

/** What concerns a submission beside its body. */
export interface SubmissionHeaders {
  /** The one that submits; missing: for all organizations. */
  caller?: Caller | undefined;
  traceparent?: string | undefined;
  idempotencyKey?: string | undefined;
  /** A new id for what names none; default: a random one. */
  ownId?: string | undefined;
  /** It is one of many, for all of which {@link SubmissionService.reach} was called. */
  isReached?: boolean;
}

export interface Submitted {
  id: string;
  /** delayed: it is not taken before the time that was asked for. */
  status: 'queued' | 'delayed';
  /** A request with the same Idempotency-Key came before. */
  isReplayed: boolean;
}

/** What is left of a request once it was checked. */
interface Submission {
  kind: JobKind;
  /** Of the id in the body. */
  field: string;
  givenId: string | undefined;
  body: unknown;
  timing: JobTiming;
  headers: SubmissionHeaders;
  /** Whose quotas it needs. */
  organization?: string | undefined;
  send: (id: string) => Promise<void>;
}

/** One job, and what its order depends on. */
interface Enqueued {
  kind: JobKind;
  id: string;
  data: object;
  lane: LaneRequest;
}

/**
 * Puts executions and tasks on the work queue. What was answered as failed must not start
 * much later, so first steps use the connection that fails when Redis is away instead of waiting.
 */
@Injectable()
export class SubmissionService {
  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly known: KnownExecutions,
    private readonly idempotency: Idempotency,
    private readonly keys: RedisKeys,
    private readonly webhooks: WebhookCheck,
    private readonly ownership: Ownership,
    private readonly quotas: QuotaRefusal,
    private readonly queueing: Queueing,
    @InjectSettings(executionSettings) private readonly settings: ExecutionSettings,
  ) {}

  /**
   * Queues an inline task.
   * @throws {ProblemException} 400 or 413 naming the field, 409 when the id is known or the Idempotency-Key was used
   * for something else, 503 without Redis.
   */
  submitTask(request: TaskRequest, headers: SubmissionHeaders = {}): Promise<Submitted> {
    const { taskId, attempts, backoff, delay, runAt, priority, ttl, webhook, ...task } = request;
    this.webhooks.check(webhook);
    checkLimits(
      { field: 'code', value: task.code },
      { field: 'timeout', value: task.timeout },
      this.settings,
    );
    const when = { attempts, backoff, delay, runAt: runAt == null ? null : new Date(runAt), priority, ttl };
    const timing = this.timingOf(when, task.timeout);
    return this.submit({
      kind: 'task',
      field: 'taskId',
      givenId: taskId,
      body: request,
      timing,
      headers,
      send: async (id) => {
        const { expiresAtMs } = timing;
        const data: TaskJob = {
          ...signedTask(this.key, { taskId: id, ...task }),
          ...(expiresAtMs === null ? {} : { expiresAt: expiresAtMs }),
          ...(webhook == null ? {} : { webhook }),
        };
        const lane = { ...NO_LANE, priority: priority ?? 0 };
        await this.enqueue({ kind: 'task', id, data, lane }, { ...timing.options, ...traceOf(headers) });
        if (taskId !== undefined) await this.confirmTask(data);
      },
    });
  }

  /**
   * Writes the context of an execution and queues it.
   * @throws {ProblemException} as {@link submitTask}.
   */
  submitExecution(request: ExecutionRequest, headers: SubmissionHeaders = {}): Promise<Submitted> {
    const { context, timing } = this.check(request, headers.caller);
    return this.submit({
      kind: 'execution',
      field: 'execution_id',
      givenId: request.execution_id,
      body: request,
      timing,
      headers,
      organization: context.organization?.id,
      send: async (id) => {
        const document = JSON.stringify(context);
        const { expiresAtMs, periodSeconds, options } = timing;
        await this.writeContext(id, document, Math.ceil(periodSeconds + this.settings.contextKeptSeconds));
        const data = {
          ...executionJob(this.key, id, document),
          ...(expiresAtMs === null ? {} : { expires_at: expiresAtMs }),
          ...(request.webhook == null ? {} : { webhook: request.webhook }),
        };
        const lane = laneRequestOf(request, request.priority ?? 0);
        await this.enqueue({ kind: 'execution', id, data, lane }, { ...options, ...traceOf(headers) });
      },
    });
  }

  /**
   * The context and the job that a request asks for; nothing is written.
   * @throws {ProblemException} 400, 403 or 413 naming the field.
   */
  check(request: ExecutionRequest, caller?: Caller): { context: RequestedContext; timing: JobTiming } {
    const { execution_id: _, attempts, backoff, delay, run_at, priority, ttl, webhook, ...asked } = request;
    const context = ownContext(asked, caller);
    this.webhooks.check(webhook);
    checkLimits(
      { field: 'workflow_code', value: context.workflow_code },
      { field: 'timeout_seconds', value: context.timeout_seconds },
      this.settings,
    );
    const runAt = run_at == null ? null : new Date(run_at);
    const when = { attempts, backoff, delay, runAt, priority, ttl };
    return { context, timing: this.timingOf(when, context.timeout_seconds) };
  }

  private async submit(submission: Submission): Promise<Submitted> {
    const { field, givenId, timing, headers, send } = submission;
    if (!headers.isReached) await this.reach();
    await this.refuseForeignId(submission);
    await this.refuseNewWork(submission);
    const key = headers.idempotencyKey;
    if (key !== undefined) return this.submitOnce(submission, key);
    if (givenId !== undefined) await withinRedisLimit(this.known.refuse(givenId, field), NOT_ACCEPTED);
    const id = givenId ?? headers.ownId ?? randomUUID();
    await this.sendWithin(id, () => send(id));
    return { id, status: statusOf(timing), isReplayed: false };
  }

  /** The id of an execution of another organization is taken for good, as long as the history has it. */
  private async refuseForeignId({ givenId, field, headers: { caller } }: Submission): Promise<void> {
    if (givenId === undefined || !caller?.organizations) return;
    const owner = await this.ownership.ofExecution(givenId);
    if (owner !== null && !mayReach(caller, owner)) throw knownId(givenId, field);
  }

  /** What was accepted before is no new work, however often its request comes again. */
  private async refuseNewWork({ organization, headers: { idempotencyKey: key } }: Submission): Promise<void> {
    if (organization === undefined) return;
    try {
      await this.quotas.refuseUsedUp(organization);
    } catch (error) {
      const known =
        key === undefined ? null : await withinRedisLimit(this.idempotency.find(key), NOT_ACCEPTED);
      if (!known?.isAccepted) throw error;
    }
  }

  private async submitOnce(submission: Submission, key: string): Promise<Submitted> {
    const fingerprint = fingerprintOf(key, submission.kind, submission.body);
    const claim = await withinRedisLimit(this.claim(submission, key, fingerprint), NOT_ACCEPTED);
    refuseOtherBody(claim, fingerprint);
    const { id, isNew, isAccepted } = claim;
    const status = statusOf(submission.timing);
    if (isAccepted) return { id, status, isReplayed: true };
    await this.sendWithin(id, async () => {
      // The request before this one may have ended its process after it had queued the job.
      if (isNew || !(await this.known.has(id))) await submission.send(id);
      await this.idempotency.accept(key);
    });
    return { id, status, isReplayed: !isNew };
  }

  /** An id of the client's that is known is refused, unless it is known because of this very key. */
  private async claim(
    { givenId, field, headers }: Submission,
    key: string,
    fingerprint: string,
  ): Promise<Claim> {
    const known = await this.idempotency.find(key);
    if (known) return known;
    if (givenId !== undefined && (await this.known.has(givenId))) {
      const late = await this.idempotency.find(key);
      if (!late) throw knownId(givenId, field);
      return late;
    }
    return this.idempotency.claim(key, fingerprint, givenId ?? headers.ownId ?? randomUUID());
  }

  /** What we submit is signed by the first key, where there is one. */
  private get key(): string | undefined {
    return this.settings.signingKeys[0];
  }

  private timingOf(
    when: Parameters<typeof timingOf>[0],
    timeoutSeconds: number | null | undefined,
  ): JobTiming {
    return timingOf(when, timeoutSeconds ?? this.settings.defaultTimeoutMs / 1000, Date.now());
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

  /** Only asks: when this fails, nothing was added, and the answer says so. @throws {ProblemException} 503 */
  async reach(): Promise<void> {
    if (this.redis.status !== 'ready') throw redisAway(NOT_ACCEPTED);
    await withinRedisLimit(this.redis.ping(), NOT_ACCEPTED);
  }

  private async sendWithin(id: string, work: () => Promise<void>): Promise<void> {
    await withinRedisLimit(
      work(),
      `Redis does not answer. Whether ${id} was accepted is not known: ask for it later, or send it again with this id`,
    );
  }
}

/** What a request says; a request that is sent again may come after its delay. */
const statusOf = ({ options }: JobTiming): Submitted['status'] =>
  options.delay === undefined ? 'queued' : 'delayed';

/** The caller's place in a trace, for the code; where we trace ourselves, BullMQ puts ours instead. */
const traceOf = ({ traceparent }: SubmissionHeaders): JobsOptions =>
  parseTraceparent(traceparent) === null ? {} : { telemetry: { metadata: JSON.stringify({ traceparent }) } };
