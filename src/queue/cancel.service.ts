import { Injectable, Logger } from '@nestjs/common';
import pRetry from 'p-retry';
import type { CancelRequest } from '../contract/cancellation.js';
import { NO_SUBJECT } from '../contract/subject.js';
import { cancelledReport } from '../outcome/attempt-report.js';
import { CancelRequests, type CancelNote } from '../results/cancel-requests.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { ResultAuthor } from '../results/result-author.js';
import { ResultPublisher } from '../results/result-publisher.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { StillSearchingError } from './job-finder.js';
import { QueuedExecutions } from './queued-executions.js';
import { UNKNOWN_TIMES } from './queue-times.js';

/** With pauses that double, from 100 ms: for about 6 s. */
const TRIES_AGAIN = 6;

/** What became of a request to cancel. */
export type CancelAnswer =
  /** It had its result before; nothing was changed. */
  | { kind: 'ended' }
  /** No worker carried it out: it has its result now and will not be started. */
  | { kind: 'cancelled' }
  /** A worker has it in hand and is notified. */
  | { kind: 'signalled'; request: CancelRequest }
  /** Nothing is known of it; should its job still come, it ends cancelled. */
  | { kind: 'unknown'; request: CancelRequest };

/**
 * Cancels executions, wherever they are:
 * 1. The request is noted in the ledger. A worker that takes the execution from then on ends it at once.
 * 2. A message notifies the workers; the one that runs it has its `context.signal` abort.
 * 3. What no worker carries out gets its result here, in the same Redis script that checks this, and
 *    its job is taken off the queue. Should this process die in between, the job comes to a worker,
 *    which finds request or result and finishes the matter.
 */
@Injectable()
export class CancelService {
  private readonly logger = new Logger(CancelService.name);

  constructor(
    private readonly requests: CancelRequests,
    private readonly author: ResultAuthor,
    private readonly results: ResultPublisher,
    private readonly queued: QueuedExecutions,
    private readonly ledger: ExecutionLedger,
  ) {}

  /** Rejects when Redis does not answer; then the request may have been noted. */
  async cancel(executionId: string, reason: string | null): Promise<CancelAnswer> {
    const noted = await this.requests.note(executionId, reason);
    if (noted.kind === 'ended') return noted;
    await this.requests.announce(executionId, noted.request);
    return this.endIfUnowned(executionId, noted);
  }

  /**
   * Ends an execution that no worker carries out. A Redis that is slow to answer, as among a thousand requests
   * at once, is asked again: each step may be done twice.
   */
  async endIfUnowned(
    executionId: string,
    noted: Extract<CancelNote, { kind: 'noted' }>,
  ): Promise<CancelAnswer> {
    if (noted.owned) return { kind: 'signalled', request: noted.request };
    return pRetry(() => this.endUnowned(executionId, noted), {
      retries: TRIES_AGAIN,
      minTimeout: 100,
      shouldRetry: ({ error }) => !(error instanceof StillSearchingError),
      onFailedAttempt: ({ error }) =>
        this.logger.debug({ msg: 'not cancelled yet', executionId, reason: error.message }),
    });
  }

  private async endUnowned(
    executionId: string,
    { request, attempt, run }: Extract<CancelNote, { kind: 'noted' }>,
  ): Promise<CancelAnswer> {
    const queued = await this.queued.find(executionId);
    if (!queued && attempt === 0) return { kind: 'unknown', request };
    const document = this.author.write(
      {
        executionId,
        run,
        attempt: Math.max(1, attempt),
        starts: 0,
        times: queued?.times ?? UNKNOWN_TIMES,
        tick: queued?.tick ?? null,
        earlier: attempt > 0 ? await this.ledger.earlierAttempts(executionId) : [],
      },
      {
        ...cancelledReport(request, attempt > 0 ? 'not started again' : 'before start'),
        subject: queued?.subject ?? NO_SUBJECT,
      },
    );
    const kind = queued?.kind ?? 'execution';
    if (!(await this.results.publishUnowned(document, kind, queued?.webhook ?? null)))
      return { kind: 'signalled', request };
    const { status, metrics } = document;
    emitMeasurement('execution-ended', { status, code: 'CANCELLED', durationMs: 0, metrics });
    emitMeasurement('job-ended-unrun', { reason: 'cancelled' });
    this.logger.log({ msg: 'execution cancelled before a worker had it', executionId });
    await this.queued.remove(executionId, queued?.subject ?? NO_SUBJECT);
    return { kind: 'cancelled' };
  }
}
