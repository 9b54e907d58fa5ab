import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { CancelRequest } from '../contract/cancellation.js';
import { pauseBeforeRetryMs } from '../contract/jobs/job-options.js';
import type { AttemptRecord, ExecutionResult } from '../contract/result.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { type AttemptReport, cancelledReport } from '../outcome/attempt-report.js';
import { attemptRecord } from '../outcome/attempt-record.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { traced } from '../telemetry/tracing.js';
import type { Soon } from '../lib/soon.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import type { Turn } from '../results/turn.js';
import { LogWriter } from '../results/logs/log-writer.js';
import { ResultAuthor } from '../results/result-author.js';
import { EndAtOnce } from '../results/at-once/end-at-once.js';
import { type Posting, ResultPublisher } from '../results/result-publisher.js';
import { completionOf } from './bull/held-job.js';
import { type Delivery, identityOf, namesOf, type TakenDelivery } from './delivery.js';
import { AttemptFailedError, mayRetry, reportOfError, unrunReason } from './job-decisions.js';
import {
  allowNoRetry,
  endOf,
  freeDeduplicationId,
  makeFinishable,
  note,
  notRunLine,
  whereLogsAre,
} from './job-end.js';
import type { JobRequest } from '../queue/parse-job.js';

/** Fourth step of the main flow, what follows an attempt: the one result of its run, or another attempt. */
@Injectable()
export class Ending {
  private readonly logger = new Logger(Ending.name);

  constructor(
    private readonly ledger: ExecutionLedger,
    private readonly author: ResultAuthor,
    private readonly results: ResultPublisher,
    private readonly logs: LogWriter,
    private readonly statistics: WorkerStatistics,
    private readonly selfTest: SelfTestService,
    private readonly atOnce: EndAtOnce,
  ) {}

  /**
   * Returns what the job ends with.
   * @throws {ExecutionFailedError} when the execution failed
   * @throws {AttemptFailedError} when it is tried again
   */
  end(delivery: TakenDelivery, report: AttemptReport): Promise<unknown> {
    if (mayRetry(delivery.job, report)) return this.failAttempt(delivery, report);
    const { request } = delivery.stops.cancellation;
    // A request that nothing of the report shows came when it had ended.
    if (request === null || report.cancel) return this.conclude(delivery, report);
    return this.conclude(delivery, { ...report, cancel: { request, ended: 'too late' } });
  }

  /** As {@link end}, of an execution that is to end although its attempt came to no report. */
  cancel(delivery: TakenDelivery, request: CancelRequest): Promise<unknown> {
    return this.conclude(delivery, cancelledReport(request, 'not started again'));
  }

  /** A job whose execution has its result: ends as that says, without a run. */
  async repeat(
    { job, request }: Pick<Delivery, 'job' | 'request'>,
    { repeat, result }: Ended,
  ): Promise<unknown> {
    await this.results.resend(request);
    if (job.deduplicationId) await freeDeduplicationId(job);
    const { executionId } = request;
    const reason = repeat === 'redelivered' ? 'redelivered' : 'known';
    emitMeasurement('job-ended-unrun', { reason });
    this.logger.log({
      msg: 'job ended without a run: its execution has a result',
      executionId,
      jobId: job.id,
      reason,
      status: result?.status ?? 'deleted',
    });
    if (result === null) {
      await note(job, `Not run: ${executionId} was deleted, and its id cannot be used yet`);
      allowNoRetry(job);
      return null;
    }
    if (repeat === 'standing') await note(job, notRunLine(result));
    if (!result.success) await noteFailure(job, result);
    return this.endOf(job, request, result);
  }

  /** The result is published before BullMQ ends the job: a crash in between costs a repeated delivery, not a result. */
  private async conclude(delivery: TakenDelivery, report: AttemptReport): Promise<unknown> {
    const { job, request, attempt, mark } = delivery;
    const { executionId, kind, webhook } = request;
    const { holdsNoSecrets = false, sync = false } = report;
    const earlier = attempt > 1 ? await this.ledger.earlierAttempts(executionId) : [];
    const unusedStart = this.ledger.unusedStart(executionId, delivery.turn);
    const seen = report.isolation ? report : { ...report, isolation: this.selfTest.ofResult() };
    const document = this.write(delivery, seen, { earlier, unusedStart });
    if ('refusal' in request) makeFinishable(job);
    if (job.deduplicationId) await freeDeduplicationId(job);
    const posting = { kind, mark, holdsNoSecrets, sync, unusedStart, webhook };
    const ending = this.endsAtOnce(delivery, document, posting);
    const hasEnded = ending instanceof Promise ? await ending : ending;
    const result = hasEnded
      ? document
      : await traced('publish', {}, () => this.results.publish(document, posting));
    this.ledger.release(executionId);
    this.note(delivery, report, document);
    if (!result.success) await noteFailure(job, result);
    return this.endOf(job, request, result);
  }

  /** Whether result and job have ended together, in one command; else each does by itself. */
  private endsAtOnce(
    { job, request }: TakenDelivery,
    document: ExecutionResult,
    posting: Posting,
  ): Soon<boolean> {
    if (!document.success || job.deduplicationId) return false;
    allowNoRetry(job);
    const { executionId, kind } = request;
    const completion = completionOf(job, endOf(document, kind, this.results.keyOf(executionId)));
    if (completion === null) return false;
    return this.atOnce.tryEnd(document, posting, completion);
  }

  /**
   * A report of which no document can be made is a fault of the worker's own.
   * @throws the fault, in the first attempt
   */
  private write(
    delivery: TakenDelivery,
    report: AttemptReport,
    { earlier = [], unusedStart = null }: WhatWasBefore = {},
  ): ExecutionResult {
    const starts = unusedStart === null ? delivery.starts : unusedStart - 1;
    const identity = identityOf(delivery, starts, earlier);
    try {
      return this.author.write(identity, report);
    } catch (error) {
      return this.author.write(identity, reportOfError(error, delivery.turn.attempt));
    }
  }

  /** What statistics, metrics and the log have of the end of an execution. */
  private note(delivery: TakenDelivery, report: AttemptReport, document: ExecutionResult): void {
    const { status, failure, metrics, duration_ms: durationMs } = document;
    const code = failure?.code ?? null;
    this.statistics.record(document);
    emitMeasurement('execution-ended', { status, code, durationMs, metrics });
    const names = namesOf(delivery, report);
    this.logger.log({ msg: 'execution ended', ...names, status, code: code ?? undefined });
    const unrun = unrunReason(document);
    if (unrun) emitMeasurement('job-ended-unrun', { reason: unrun });
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off, unless its end was requested. */
  private async failAttempt(delivery: TakenDelivery, report: AttemptReport): Promise<unknown> {
    const { job, request, run, attempt, mark, stops } = delivery;
    const { executionId } = request;
    const pauseMs = pauseBeforeRetryMs(job.opts.backoff, job.attemptsMade + 1, Math.random());
    const document = this.write(delivery, report);
    await this.results.countAttempt(document);
    const failed = { record: attemptRecord(document), mark };
    const noted = await this.ledger.free(executionId, { run, counted: true, failed, pauseMs });
    const cancel = noted ?? stops.cancellation.request;
    if (cancel)
      return this.conclude(delivery, { ...report, cancel: { request: cancel, ended: 'not started again' } });
    await this.logs.close(executionId);
    const code = document.failure?.code ?? 'INTERNAL';
    emitMeasurement('attempt-failed', { code });
    const names = namesOf(delivery, report);
    this.logger.log({ msg: 'attempt failed, to be tried again', ...names, code, pauseMs });
    await note(job, `Attempt ${attempt} failed: ${code}: ${document.error}. ${whereLogsAre(executionId)}`);
    // The pause that was written down, which BullMQ would draw anew.
    job.opts.backoff = { type: 'fixed', delay: pauseMs };
    throw new AttemptFailedError(document);
  }

  private endOf(job: Job, { executionId, kind }: JobRequest, result: ExecutionResult): unknown {
    if (result.success) allowNoRetry(job);
    return endOf(result, kind, this.results.keyOf(executionId));
  }
}

/** Leaves in the log of the job why its execution failed. */
async function noteFailure(job: Job, { execution_id: id, ...result }: ExecutionResult): Promise<void> {
  const code = result.failure?.code ?? result.status;
  await note(job, `${code}: ${result.error}. ${whereLogsAre(id)}`);
}

/** What a document shows of what was before it; {@link ExecutionLedger.unusedStart}. */
interface WhatWasBefore {
  earlier?: readonly AttemptRecord[];
  unusedStart?: number | null;
}

type Ended = Extract<Turn, { kind: 'ended' }>;
