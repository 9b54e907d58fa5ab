import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { UNREADABLE_OPTION } from '../contract/job-options.js';
import { Refusal } from '../contract/refusal.js';
import { tell } from '../lib/measurements.js';
import type { RedisClient } from '../redis/connections.js';
import { isConnectionError } from '../redis/connections.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { ResultPublisher } from '../results/result-publisher.js';
import { refused } from './job-decisions.js';
import { parseJob } from './parse-job.js';
import { WORK_QUEUE } from './queue-tokens.js';

/** Of what cannot be read so much is kept, for people. */
const SHOWN_CHARS = 1000;

/**
 * Mends jobs that BullMQ cannot read: data, options or other fields that are not JSON. BullMQ takes such a job,
 * throws, and takes it again when its lock has expired, for ever; and whoever lists jobs gets an error instead.
 *
 * 1. Whatever cannot be read becomes JSON that says so, and that {@link parseJob} refuses.
 * 2. The job goes back to the queue. The worker that takes it gives it its one result, as for any other refusal.
 */
@Injectable()
export class UnreadableJobs {
  private readonly logger = new Logger(UnreadableJobs.name);
  private looking: Promise<void> | null = null;
  private again = false;

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly results: ResultPublisher,
  ) {}

  /** Looks through what workers have in hand, after BullMQ reported an error that may come from a job. Never rejects. */
  look(): Promise<void> {
    this.again = this.looking !== null;
    this.looking ??= this.lookOnce()
      .catch((error: Error) =>
        this.logger.warn({ msg: 'unreadable jobs could not be looked for', reason: error.message }),
      )
      .finally(() => {
        this.looking = null;
        if (this.again) void this.look();
      });
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    const ids = await this.redis.lrange(this.queue.toKey('active'), 0, -1);
    for (const id of ids) {
      const trouble = await this.troubleOf(id);
      if (trouble !== null) await this.mend(id, trouble);
    }
  }

  /** What BullMQ says of a job that it cannot read; null: it can. */
  private async troubleOf(id: string): Promise<string | null> {
    try {
      await this.queue.getJob(id);
      return null;
    } catch (error) {
      if (isConnectionError(error as Error)) throw error;
      return (error as Error).message;
    }
  }

  private async mend(id: string, trouble: string): Promise<void> {
    const key = this.queue.toKey(id);
    const token = await this.redis.get(`${key}:lock`);
    tell('job-mended', {});
    this.logger.warn({ msg: 'job cannot be read', jobId: id, reason: trouble });
    if ((await this.redis.type(key)) !== 'hash') return this.endAlien(id);
    await this.mendFields(key, trouble);
    if (token !== null) await this.giveBack(id, token);
  }

  private async mendFields(key: string, trouble: string): Promise<void> {
    const fields = await this.redis.hmget(key, 'data', 'opts', 'progress', 'parent');
    const [data, opts, progress, parent] = fields as [string?, string?, string?, string?];
    const fixes: string[] = [];
    // As text it is no job, and the operator sees what came.
    if (data && !isJson(data)) fixes.push('data', JSON.stringify(data.slice(0, SHOWN_CHARS)));
    const badParent = Boolean(parent) && !isJson(parent);
    if (badParent || (opts && !isJsonObject(opts))) {
      const what = badParent ? `parent is not JSON` : `the options are not a JSON object: ${trouble}`;
      fixes.push('opts', JSON.stringify({ attempts: 1, [UNREADABLE_OPTION]: what }));
    }
    if (progress && !isJson(progress)) fixes.push('progress', '0');
    if (fixes.length > 0) await this.redis.hset(key, ...fixes);
    if (badParent) await this.redis.hdel(key, 'parent', 'parentKey');
  }

  /** Something else than a job lies under its key, which stays as it is. */
  private async endAlien(id: string): Promise<void> {
    const message = `The job cannot be read: no job lies under its key ${this.queue.toKey(id)}`;
    const outcome = refused(new Refusal('INVALID_JOB', message, 'job'));
    const { executionId, kind } = parseJob({ id, data: null });
    const times = { queue: null, delay: null, backoff: null };
    const delivery = { executionId, kind, run: 1, attempt: 1, times, mark: null };
    await this.results.publishUnowned(delivery, outcome);
    await this.redis.lrem(this.queue.toKey('active'), 1, id);
    tell('execution-ended', { status: outcome.status, code: 'INVALID_JOB', durationMs: 0, metrics: {} });
    tell('job-ended-unrun', { reason: 'refused' });
  }

  /** As its owner, who does not know that it is: then BullMQ need not wait for the lock to expire. */
  private async giveBack(id: string, token: string): Promise<void> {
    const job = await this.queue.getJob(id).catch(() => undefined);
    await job
      ?.moveToWait(token)
      .catch((error: Error) =>
        this.logger.debug({ msg: 'the job comes back as stalled', jobId: id, reason: error.message }),
      );
  }
}

function isJson(text: string | undefined): boolean {
  return parsed(text) !== undefined;
}

function isJsonObject(text: string): boolean {
  const value = parsed(text);
  return typeof value === 'object' && value !== null;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '') as unknown;
  } catch {
    return undefined;
  }
}
