import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type Queue, QueueEvents } from 'bullmq';
import type { FastifyReply } from 'fastify';
import { within } from '../../lib/time-limit.js';
import type { ExecutionResult } from '../../contract/result.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';
import { Bell } from '../../lib/bell.js';
import { isRedisAway } from '../../redis/redis-errors.js';
import { ExecutionLookup, type Progress } from './execution-lookup.service.js';
import { jobIdOf } from '../../contract/jobs/job-id.js';

/** An event is lost when its connection breaks at that moment; then this finds the result. */
const RECHECK_MS = 1_000;
/** Events are read from this long before the first wait, which closes the gap until reading has begun. */
const REPLAY_MS = 5_000;
/** Without Redis the events cannot say goodbye, and BullMQ would wait for its return. */
const CLOSE_LIMIT_MS = 1_000;

/**
 * Lets requests wait for results.
 * 1. One reader of the work queue's events per process, started by the first waiting request.
 * 2. An event only triggers a lookup; the result comes from Redis.
 * 3. A slow re-check covers lost events.
 * 4. At shutdown waiting requests are answered at once, without a result.
 */
@Injectable()
export class ResultWaiter implements BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Api');
  private readonly closing = new AbortController();
  /** Written by wait, called by the events' listener: by job id, the requests that look again. */
  private readonly waiting = new Map<string, Set<() => void>>();
  private events: QueueEvents | undefined;

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly lookup: ExecutionLookup,
  ) {}

  /** How far it is; where it has not ended, once it has or `seconds` are over or the client of `reply` is gone. */
  async find(executionId: string, seconds: number, reply: FastifyReply): Promise<Progress> {
    const progress = await this.lookup.find(executionId);
    if (seconds === 0 || progress.state === 'unknown' || progress.state === 'ended') return progress;
    const result = await this.waitFor(executionId, seconds, reply);
    return result === null ? this.lookup.find(executionId) : { state: 'ended', result };
  }

  /** As {@link wait}, for as long as the client of `reply` is there. */
  waitFor(executionId: string, seconds: number, reply: FastifyReply): Promise<ExecutionResult | null> {
    const gone = new AbortController();
    // On the response: the request's own "close" comes as soon as its body was read.
    if (reply.raw.destroyed) gone.abort();
    else reply.raw.once('close', () => gone.abort());
    return this.wait(executionId, seconds * 1000, gone.signal);
  }

  /**
   * The result, or null when there is none within `waitMs` milliseconds, or when `signal` aborts.
   * @throws {ProblemException} 503 when Redis becomes unreachable while it waits.
   */
  async wait(executionId: string, waitMs: number, signal: AbortSignal): Promise<ExecutionResult | null> {
    if (waitMs <= 0 || this.closing.signal.aborted) return await this.lookup.findResult(executionId);
    this.start();
    const ended = AbortSignal.any([signal, this.closing.signal, AbortSignal.timeout(waitMs)]);
    const bell = new Bell(ended);
    const leave = this.enter(jobIdOf(executionId), () => bell.ring());
    try {
      for (;;) {
        const result = await this.lookup.findResult(executionId);
        if (result !== null || ended.aborted) return result;
        await bell.wait(RECHECK_MS);
      }
    } finally {
      leave();
      bell.close();
    }
  }

  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closing.abort();
    const { events } = this;
    this.events = undefined;
    if (events) await this.close(events);
  }

  /** Politely, and after {@link CLOSE_LIMIT_MS} by cutting the connection, which would reconnect for ever. */
  private async close(events: QueueEvents): Promise<void> {
    const warn = (error: Error): void => {
      if (!isRedisAway(error)) this.logger.warn(`closing the queue's events: ${error.message}`);
    };
    await within(events.close().catch(warn), CLOSE_LIMIT_MS, () =>
      events.getBackend().close(true).catch(warn),
    );
  }

  private start(): void {
    if (this.events) return;
    const { connection, prefix } = this.queue.opts;
    this.events = new QueueEvents(this.queue.name, {
      connection,
      ...(prefix === undefined ? {} : { prefix }),
      lastEventId: `${Date.now() - REPLAY_MS}-0`,
    });
    const ring = ({ jobId }: { jobId: string }): void => this.waiting.get(jobId)?.forEach((look) => look());
    // Removed: cancelled before a worker had it.
    this.events.on('completed', ring).on('failed', ring).on('removed', ring);
    // The application's other connections log the loss; the re-check covers the gap.
    this.events.on('error', (error) => {
      if (!isRedisAway(error)) this.logger.warn(`reading the queue's events: ${error.message}`);
    });
  }

  private enter(jobId: string, look: () => void): () => void {
    const looks = this.waiting.get(jobId) ?? new Set();
    this.waiting.set(jobId, looks.add(look));
    return () => {
      looks.delete(look);
      if (looks.size === 0 && this.waiting.get(jobId) === looks) this.waiting.delete(jobId);
    };
  }
}
