import { Inject, Injectable, Logger } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import { executionContextSchema } from '../contract/context.js';
import type { JobKind } from '../contract/jobs/job.js';
import type { Tick } from '../contract/jobs/schedule.js';
import { NO_SUBJECT, type Subject, subjectOf } from '../contract/subject.js';
import { unstartedOutcome } from '../outcome/cancelled-outcome.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { CancelRequests, type Noted } from '../results/cancel-requests.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { type QueueTimes, ResultPublisher, waitMetrics } from '../results/result-publisher.js';
import { JobFinder } from './job-finder.js';
import { parseJob } from './parse-job.js';
import { queueTimes } from './queue-times.js';

/** What became of a request to cancel. */
export type CancelAnswer =
  /** It had its result before; nothing was changed. */
  | { kind: 'ended' }
  /** Nobody carried it out: it has its result now and will not be started. */
  | { kind: 'cancelled' }
  /** A worker has it in hand and is told. */
  | { kind: 'signalled'; request: CancelRequest }
  /** Nothing is known of it; should its job still come, it ends cancelled. */
  | { kind: 'unknown'; request: CancelRequest };

/** What is known of an execution that nobody carries out. */
interface Queued {
  kind: JobKind;
  times: QueueTimes;
  tick: Tick | null;
  subject: Subject;
}

/**
 * Cancels executions, wherever they are:
 * 1. The request is noted in the ledger. Whoever takes the execution from then on ends it at once.
 * 2. Workers are told by a message; the one that runs it has its `context.signal` abort.
 * 3. What nobody carries out gets its result here, in the same breath in which Redis checks that, and
 *    its job is taken off the queue. Should this process die in between, the job comes to a worker,
 *    which finds request or result and finishes the matter.
 */
@Injectable()
export class CancelService {
  private readonly logger = new Logger(CancelService.name);

  constructor(
    private readonly requests: CancelRequests,
    private readonly results: ResultPublisher,
    private readonly jobs: JobFinder,
    private readonly ledger: ExecutionLedger,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** Rejects when Redis does not answer; then the request may have been noted. */
  async cancel(executionId: string, reason: string | null): Promise<CancelAnswer> {
    const noted = await this.requests.note(executionId, reason);
    if (noted.kind === 'ended') return noted;
    await this.requests.announce(executionId, noted.request);
    return this.endIfUnowned(executionId, noted);
  }

  /** Ends what nobody carries out. */
  async endIfUnowned(executionId: string, noted: Extract<Noted, { kind: 'noted' }>): Promise<CancelAnswer> {
    const { request, owned, attempt, run } = noted;
    if (owned) return { kind: 'signalled', request };
    const queued = await this.findQueued(executionId);
    if (!queued && attempt === 0) return { kind: 'unknown', request };
    const outcome = {
      ...unstartedOutcome(request, attempt > 0 ? 'not started again' : 'before start'),
      ...(queued?.subject ?? NO_SUBJECT),
    };
    const delivery = {
      executionId,
      kind: queued?.kind ?? 'execution',
      run,
      attempt: Math.max(1, attempt),
      times: queued?.times ?? UNKNOWN,
      tick: queued?.tick ?? null,
      mark: null,
      earlier: attempt > 0 ? await this.ledger.earlierAttempts(executionId) : [],
    };
    if (!(await this.results.publishUnowned(delivery, outcome))) return { kind: 'signalled', request };
    emitMeasurement('execution-ended', {
      status: outcome.status,
      code: 'CANCELLED',
      durationMs: 0,
      metrics: waitMetrics(delivery.times),
    });
    emitMeasurement('job-ended-unrun', { reason: 'cancelled' });
    this.logger.log({ msg: 'execution cancelled before a worker had it', executionId });
    await this.removeJob(executionId);
    return { kind: 'cancelled' };
  }

  private async findQueued(executionId: string): Promise<Queued | null> {
    const [named, context] = await Promise.all([
      this.jobs.findByName(executionId),
      this.redis.get(this.keys.context(executionId)),
    ]);
    const subject = subjectIn(context);
    // A job without context of ours is a task, whose result goes out in another form: worth a search.
    const job = named ?? (context !== null ? null : await this.jobs.find(executionId));
    if (!job) return context === null ? null : { kind: 'execution', times: UNKNOWN, tick: null, subject };
    const { kind, tick } = parseJob(job);
    const first = { kind: 'ours', run: 1, attempt: 1, freed: null, generation: null, cancel: null } as const;
    return { kind, times: queueTimes(job, first, Date.now()), tick, subject };
  }

  /** A job that a worker is just taking stays: it finds the result. */
  private async removeJob(executionId: string): Promise<void> {
    try {
      const job = await this.jobs.find(executionId);
      await job?.remove();
    } catch (error) {
      const reason = (error as Error).message;
      this.logger.debug({ msg: 'the job of a cancelled execution stays', executionId, reason });
    }
  }
}

const UNKNOWN: QueueTimes = { queue: null, delay: null, backoff: null };

/** On whose behalf it would have run, as far as its context can be read. */
function subjectIn(document: string | null): Subject {
  try {
    const context = executionContextSchema.parse(JSON.parse(document ?? 'null'));
    return subjectOf({
      workflowId: context.workflow_id ?? null,
      caller: context.caller ?? null,
      organization: context.organization ?? null,
      tags: context.tags ?? [],
    });
  } catch {
    return NO_SUBJECT;
  }
}
