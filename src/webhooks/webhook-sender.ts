import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { DelayedError, type Job, type Queue, UnrecoverableError, Worker } from 'bullmq';
import { InjectSettings } from '../config/config.module.js';
import { type WebhookSettings, webhookSettings } from '../config/slices.js';
import type { Webhook } from '../contract/jobs/webhook.js';
import type { ExecutionStatus } from '../contract/result.js';
import { Dialer } from '../executor/network/dialer.js';
import { NameLookup } from '../executor/network/name-lookup.js';
import { NetworkRefusal } from '../executor/network/network-rules.js';
import { storesOf } from '../executor/network/own-endpoints.js';
import { waitAtMost } from '../lib/time-limit.js';
import { VERSION } from '../lib/version.js';
import { ScheduleEnds } from '../queue/schedules/schedule-ends.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { ResultStore } from '../results/result-store.js';
import { WebhookLog } from '../results/webhooks/webhook-log.js';
import {
  aboutOf,
  batchEnded,
  scheduleEnded,
  type SetSchedule,
  type WebhookEvent,
  type WebhookJob,
} from '../results/webhooks/webhook-message.js';
import { WEBHOOK_QUEUE } from '../results/webhooks/webhook-queue.js';
import { signedHeaders } from './signed-headers.js';
import { postWebhook, type WebhookDialer } from './webhook-request.js';

const AT_ONCE = 16;
const CLOSE_TIMEOUT_MS = 500;
/** How often a batch or a schedule is looked at, beginning with the first pause. */
const FIRST_LOOK_MS = 500;
const SLOWEST_LOOK_MS = 15_000;
const GONE = 410;

/** What an attempt came to. */
interface Attempt {
  status: number | null;
  error: string | null;
  /** Another one cannot help. */
  isFinal: boolean;
}

/**
 * Delivers messages, outside of runners:
 * 1. Messages wait on a queue of their own, so that they and their pauses survive the process that sends them.
 * 2. Connections go where WEBHOOK_ALLOW opens, to addresses that were checked; redirects are not followed.
 * 3. An answer of 2xx is a delivery; 410, and an address that the rules refuse, end it; everything else is tried again.
 */
@Injectable()
export class WebhookSender implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(WebhookSender.name);
  private readonly dialer: WebhookDialer;
  private worker: Worker | null = null;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(WEBHOOK_QUEUE) private readonly queue: Queue,
    private readonly keys: RedisKeys,
    private readonly results: ResultStore,
    private readonly schedules: ScheduleEnds,
    private readonly log: WebhookLog,
    @InjectSettings(webhookSettings) private readonly settings: WebhookSettings,
  ) {
    this.dialer = new Dialer({ allow: settings.allow, stores: storesOf(settings) }, new NameLookup());
  }

  /** Without a secret nothing could be signed: messages wait for a worker that has one. */
  onModuleInit(): void {
    if (this.settings.secrets.length === 0) return;
    const worker = new Worker(this.queue.name, (job, token) => this.deliver(job, token ?? ''), {
      connection: this.redis,
      prefix: this.settings.bullPrefix,
      concurrency: AT_ONCE,
      // A sender that dies does not count as an attempt of the receiver.
      maxStalledCount: Number.MAX_SAFE_INTEGER,
      stalledInterval: 5_000,
      lockDuration: 20_000,
    });
    worker.on('error', () => undefined);
    this.worker = worker;
  }

  async onApplicationShutdown(): Promise<void> {
    await waitAtMost(this.worker?.close() ?? Promise.resolve(), CLOSE_TIMEOUT_MS);
  }

  private async deliver(job: Job, token: string): Promise<void> {
    const data = job.data as WebhookJob;
    const event = await this.eventOf(job, data, token);
    const about = aboutOf(data);
    const startedAt = new Date();
    const began = performance.now();
    const { status, error, isFinal } = await this.attempt(data, event, startedAt);
    const attempt = job.attemptsMade + 1;
    const isLast = isFinal || attempt >= (job.opts.attempts ?? 1);
    const outcome = error === null ? 'delivered' : isLast ? 'failed' : 'retried';
    await this.log.append(about, {
      at: startedAt.toISOString(),
      attempt,
      outcome,
      to: shown(data.to),
      status,
      error,
      duration_ms: Math.round(performance.now() - began),
    });
    if (error === null) return;
    this.logger.warn({ msg: 'webhook not delivered', about, attempt, outcome, status, reason: error });
    throw isFinal ? new UnrecoverableError(error) : new Error(error);
  }

  private async attempt({ to, id }: WebhookJob, event: WebhookEvent, sentAt: Date): Promise<Attempt> {
    const target = to.url ?? this.settings.endpoints.get(to.endpoint ?? '');
    if (target == null)
      return { status: null, error: `${to.endpoint} is not in WEBHOOK_ENDPOINTS`, isFinal: false };
    const body = JSON.stringify(event);
    const headers = {
      'content-type': 'application/json',
      'user-agent': `bifrost-worker/${VERSION}`,
      ...signedHeaders({ id, body, sentAt }, this.settings.secrets),
    };
    try {
      const status = await postWebhook(new URL(target), { body, headers }, this.dialer);
      const error = status >= 200 && status < 300 ? null : `the receiver answered ${status}`;
      return { status, error, isFinal: status === GONE };
    } catch (error) {
      if (error instanceof NetworkRefusal)
        return { status: null, error: `WEBHOOK_ALLOW does not open it (${error.reason})`, isFinal: true };
      const { code, message } = error as NodeJS.ErrnoException;
      return { status: null, error: code ?? message, isFinal: false };
    }
  }

  private eventOf(job: Job, data: WebhookJob, token: string): Promise<WebhookEvent> | WebhookEvent {
    if ('event' in data) return data.event;
    return 'batch' in data ? this.batchEvent(job, data, token) : this.scheduleEvent(job, data, token);
  }

  /** The message about a batch; where not all of it has ended, the job is looked at again later. */
  private async batchEvent(
    job: Job,
    data: Extract<WebhookJob, { batch: string }>,
    token: string,
  ): Promise<WebhookEvent> {
    const record = await this.redis.get(this.keys.batch(data.batch));
    if (record === null) throw new UnrecoverableError('the batch is not known any more');
    const { executions } = JSON.parse(record) as { executions: string[] };
    let from = data.from;
    while (from < executions.length && (await this.results.exists(executions[from] as string))) from += 1;
    if (from < executions.length) {
      await job.updateData({ ...data, from });
      return lookLater(job, token);
    }
    const statuses = await Promise.all(executions.map((id) => this.results.findStatus(id)));
    const ended = statuses.filter((status): status is ExecutionStatus => status !== null);
    return batchEnded(data.batch, ended, new Date());
  }

  /** The same about a schedule. */
  private async scheduleEvent(
    job: Job,
    { schedule, setAt }: SetSchedule,
    token: string,
  ): Promise<WebhookEvent> {
    const found = await this.schedules.look(schedule, setAt);
    switch (found.state) {
      case 'changed':
        throw new UnrecoverableError('the schedule was set anew or removed');
      case 'open':
        return lookLater(job, token);
      case 'over': {
        const { end, last } = found;
        const status = last === null ? null : await this.results.findStatus(last);
        return scheduleEnded(schedule, end, last === null ? null : { executionId: last, status });
      }
    }
  }
}

/** Has the job looked at again after a pause that grows. @throws {DelayedError} always, which is how BullMQ wants it. */
async function lookLater(job: Job, token: string): Promise<never> {
  const waitedMs = Date.now() - job.timestamp - (job.opts.delay ?? 0);
  const pauseMs = Math.min(SLOWEST_LOOK_MS, Math.max(FIRST_LOOK_MS, waitedMs / 10));
  await job.moveToDelayed(Date.now() + Math.round(pauseMs), token);
  throw new DelayedError();
}

/** What a log may show of a receiver: a query may hold a credential. */
function shown({ url, endpoint }: Webhook): string {
  if (url == null) return endpoint ?? '';
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
