import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import pRetry from 'p-retry';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import type { JobKind } from '../contract/jobs/job.js';
import type { Webhook } from '../contract/jobs/webhook.js';
import type { ExecutionResult } from '../contract/result.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { ArchiveFeed } from './archive-feed.js';
import { type DeliveryMark, fieldOf, markText } from './delivery-identity.js';
import { ExecutionClosing } from './execution-closing.js';
import { HeldResults } from './held-results.js';
import { readStarts, withoutLatest, withStartHistory } from './start-history.js';
import { resultJob } from './at-once/result-job.js';
import { MARK_PUBLISHED, SETTLE, SETTLE_UNOWNED } from './execution-scripts.js';

/** Injects the BullMQ queue that results go to. */
export const RESULT_QUEUE: unique symbol = Symbol('ResultQueue');

/** The code was started once more since the document was made, which must show that. */
class OutdatedStartsError extends Error {
  override message = 'its code was started elsewhere meanwhile, which the result must show';
}

/** How a result goes out, beside its document. */
export interface Posting {
  /** The contract by which it goes out. */
  kind: JobKind;
  /** The delivery that ends with this result; null: no job is delivered. */
  mark: DeliveryMark | null;
  /** Its context has none that would have to be removed. */
  holdsNoSecrets?: boolean;
  /** A caller waits for it, as its context says; read there when it is not known here. */
  sync?: boolean;
  /** A start that the ledger counted when the execution was taken, and whose code reached no runner: not shown. */
  unusedStart?: number | null;
  /** Where its end is reported. */
  webhook?: Webhook | null;
}

/** An execution whose result may not have gone out. */
interface Resent {
  executionId: string;
  kind: JobKind;
  webhook?: Webhook | null;
}

const RETRY_MAX_MS = 2_000;

/**
 * Delivers results: Redis first, the result queue and the archive's feed second, each exactly once.
 *
 * The first result of a run stands; a later one, of a worker that was frozen and woke up, is
 * dropped and the standing one is sent instead where it was not. While Redis is away a result waits
 * in memory, however long.
 */
@Injectable()
export class ResultPublisher {
  /** What Redis does not take. */
  readonly held = new HeldResults();
  private readonly logger = new Logger(ResultPublisher.name);

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(RESULT_QUEUE) private readonly resultQueue: Queue,
    private readonly feed: ArchiveFeed,
    private readonly closing: ExecutionClosing,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /** Resolves with the result that stands when it is stored, on the result queue (unless that is off) and in the archive's feed. */
  async publish(document: ExecutionResult, posting: Posting): Promise<ExecutionResult> {
    const { execution_id: executionId, run = 1 } = document;
    const { mark, unusedStart = null } = posting;
    const ofJob = mark ? [fieldOf(mark), markText(mark)] : ['', ''];
    const { starts = 0 } = document;
    const own = unusedStart === null ? starts : 0;
    // Of a single start nothing is missing in the document.
    let counted = unusedStart ?? starts;
    let complete = document;
    if (counted > 1) ({ complete, counted } = await this.withStarts(document, own, unusedStart));
    return this.untilDone(executionId, async () => {
      const text = JSON.stringify(complete);
      const args = [text, this.settings.ttlSeconds, run, ...ofJob, counted];
      const [standing, sent] = (await SETTLE.run(this.redis, this.keysOf(executionId), args)) as [
        string,
        '0' | '1' | 'stale' | 'outdated',
      ];
      if (sent === 'outdated') {
        ({ complete, counted } = await this.withStarts(document, own, unusedStart));
        throw new OutdatedStartsError();
      }
      const result = standing === text ? complete : (JSON.parse(standing) as ExecutionResult);
      if (sent === '0') await this.send(posting, standing, result);
      return result;
    });
  }

  /**
   * As {@link publish}, but nothing happens, and the answer is false, while a worker carries the
   * execution out. Rejects when Redis refuses; then at worst the result is stored and not sent yet.
   */
  async publishUnowned(
    document: ExecutionResult,
    kind: JobKind,
    webhook: Webhook | null = null,
  ): Promise<boolean> {
    const { execution_id: executionId, run = 1 } = document;
    const { complete } = await this.withStarts(document, 0, null);
    const text = JSON.stringify(complete);
    const args = [text, this.settings.ttlSeconds, run];
    const [state, standing, sent] = (await SETTLE_UNOWNED.run(
      this.redis,
      this.keysOf(executionId),
      args,
    )) as ['standing' | 'owned' | 'settled', string, string];
    if (state === 'owned') return false;
    if (state === 'settled') await this.send({ kind, webhook }, text, complete);
    else if (sent !== '1')
      await this.send({ kind, webhook }, standing, JSON.parse(standing) as ExecutionResult);
    return true;
  }

  /** For a job that comes again after its execution ended: puts the result on the queue if it never was. */
  async resend({ executionId, kind, webhook = null }: Resent): Promise<void> {
    await this.untilDone(executionId, async () => {
      if ((await this.redis.hget(this.keys.ledger(executionId), 'published')) === '1') return;
      const standing = await this.redis.get(this.keys.result(executionId));
      if (standing !== null)
        await this.send({ kind, webhook }, standing, JSON.parse(standing) as ExecutionResult);
    });
  }

  /** Notes what an attempt used after which another one follows. */
  countAttempt(document: ExecutionResult): Promise<void> {
    return this.untilDone(document.execution_id, () => this.closing.countAttempt(document));
  }

  /** Redis key of the document of an execution. */
  keyOf(executionId: string): string {
    return this.keys.result(executionId);
  }

  private keysOf(executionId: string): string[] {
    return [this.keys.result(executionId), this.keys.ledger(executionId), this.keys.attempts(executionId)];
  }

  /**
   * The document with every start of its run, of which the `own` one, if it had one, came to it; and how many the
   * ledger has counted.
   */
  private async withStarts(
    document: ExecutionResult,
    own: number,
    unusedStart: number | null,
  ): Promise<{ complete: ExecutionResult; counted: number }> {
    const all = await readStarts(this.redis, this.keys.ledger(document.execution_id));
    const shown = all.starts === unusedStart ? withoutLatest(all) : all;
    return { complete: withStartHistory(document, shown, own), counted: all.starts };
  }

  private async send(
    { kind, holdsNoSecrets = false, sync = false, webhook = null }: Omit<Posting, 'mark'>,
    standing: string,
    result: ExecutionResult,
  ): Promise<void> {
    const { execution_id: executionId, run = 1 } = result;
    // Before the result is published: a reader of the result that looks for a secret finds none.
    const waits = holdsNoSecrets ? sync : await this.closing.removeSecrets(executionId);
    await Promise.all([
      this.enqueue(kind, result),
      this.feed.append(executionId, run, standing),
      this.closing.answerCaller(result, waits),
      webhook && this.closing.notify(result, webhook),
      this.closing.count(result),
    ]);
    await this.closing.finish(result);
    // Last: what is marked is not looked at again, also when this worker dies now.
    await MARK_PUBLISHED.run(this.redis, [this.keys.ledger(executionId)], [run]);
  }

  private async enqueue(kind: JobKind, result: ExecutionResult): Promise<void> {
    if (!this.settings.areQueued) return;
    const { name, data, opts } = resultJob(kind, result, this.settings.taskForm);
    await this.resultQueue.add(name, data, opts);
  }

  /** The connection waits out an outage by itself; this is for the errors of a Redis that answers, such as OOM. */
  private async untilDone<T>(executionId: string, step: () => Promise<T>): Promise<T> {
    const done = await pRetry(step, {
      retries: Number.POSITIVE_INFINITY,
      maxTimeout: RETRY_MAX_MS,
      minTimeout: 100,
      onFailedAttempt: ({ error }) => {
        emitMeasurement('result-retried', {});
        this.held.refused(executionId, error.message);
        this.logger.warn({ msg: 'result not delivered yet', executionId, reason: error.message });
      },
    });
    this.held.delivered(executionId);
    return done;
  }
}
