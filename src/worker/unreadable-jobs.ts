import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { UNREADABLE_OPTION } from '../contract/jobs/job-options.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import type { RedisClient } from '../redis/connections.js';
import { isRedisAway } from '../redis/redis-errors.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { ResultAuthor } from '../results/result-author.js';
import { ResultPublisher } from '../results/result-publisher.js';
import { refused } from './job-decisions.js';
import { parseJob } from '../queue/parse-job.js';
import { UNKNOWN_TIMES } from '../queue/queue-times.js';
import { WORK_QUEUE } from '../queue/queue-tokens.js';

/** A job that stalled this often, and that no worker ever began, is one that BullMQ cannot hand out. */
const MANY_STALLS = 3;
/** At most this much of what cannot be read is kept, for people. */
const SHOWN_CHARS = 1000;

/**
 * Mends jobs that BullMQ takes and cannot hand out: data, options or other fields that are not JSON, or a
 * schedule whose next tick cannot be made. BullMQ takes such a job, throws, and takes it again when its lock has
 * expired, for ever; and every listing of jobs fails with an error.
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
    private readonly author: ResultAuthor,
    private readonly results: ResultPublisher,
    private readonly keys: RedisKeys,
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

  /** Why BullMQ cannot hand out a job; null: it can. */
  private async troubleOf(id: string): Promise<string | null> {
    try {
      const job = (await this.queue.getJob(id)) as Job | undefined;
      return job && (await this.isNeverBegun(job)) ? 'no worker was ever handed it' : null;
    } catch (error) {
      if (isRedisAway(error)) throw error;
      return (error as Error).message;
    }
  }

  private async isNeverBegun(job: Job): Promise<boolean> {
    if (job.stalledCounter < MANY_STALLS) return false;
    const { executionId } = parseJob(job);
    const [ended, begun] = await Promise.all([
      this.redis.exists(this.keys.result(executionId)),
      this.redis.hexists(this.keys.ledger(executionId), 'owner'),
    ]);
    return ended === 0 && begun === 0;
  }

  private async mend(id: string, trouble: string): Promise<void> {
    const key = this.queue.toKey(id);
    const token = await this.redis.get(`${key}:lock`);
    emitMeasurement('job-mended', {});
    this.logger.warn({ msg: 'job cannot be read', jobId: id, reason: trouble });
    if ((await this.redis.type(key)) !== 'hash') return this.endAlien(id);
    await this.mendFields(key, trouble);
    if ((await this.queue.getJob(id).catch(() => null)) === null) return this.endAlien(id);
    if (token !== null) await this.giveBack(id, token);
  }

  private async mendFields(key: string, trouble: string): Promise<void> {
    const fields = await this.redis.hmget(key, 'data', 'opts', 'progress', 'parent');
    const [data, opts, progress, parent] = fields as [string?, string?, string?, string?];
    const fixes: string[] = [];
    // As text it is no job, and the operator sees what came.
    if (data && !isJson(data)) fixes.push('data', JSON.stringify(data.slice(0, SHOWN_CHARS)));
    const badParent = Boolean(parent) && !isJson(parent);
    const readable = fixes.length === 0 && (!progress || isJson(progress));
    if (badParent || readable || (opts && !isJsonObject(opts))) {
      const what = badParent ? `parent is not JSON` : `the options cannot be carried out: ${trouble}`;
      fixes.push('opts', JSON.stringify({ attempts: 1, [UNREADABLE_OPTION]: what }));
    }
    if (progress && !isJson(progress)) fixes.push('progress', '0');
    await this.redis.hset(key, ...fixes);
    if (badParent) await this.redis.hdel(key, 'parent', 'parentKey');
    // What makes the next tick of a schedule, which it may be that cannot be made.
    if (readable) await this.redis.hdel(key, 'rjk');
  }

  /** Something else than a job lies under its key, which stays as it is. */
  private async endAlien(id: string): Promise<void> {
    const message = `The job cannot be read: no job lies under its key ${this.queue.toKey(id)}`;
    const report = refused(new Refusal('INVALID_JOB', message, 'job'));
    const { executionId, kind } = parseJob({ id, data: null });
    const attempt = { executionId, run: 1, attempt: 1, starts: 0, times: UNKNOWN_TIMES };
    const document = this.author.write(attempt, report);
    await this.results.publishUnowned(document, kind);
    await this.redis.lrem(this.queue.toKey('active'), 1, id);
    emitMeasurement('execution-ended', {
      status: document.status,
      code: 'INVALID_JOB',
      durationMs: 0,
      metrics: {},
    });
    emitMeasurement('job-ended-unrun', { reason: 'refused' });
  }

  /** In the name of the job's owner, which does not know that it owns the job: BullMQ then need not wait for the lock to expire. */
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
