import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { type CancelRequest, receiptOf } from '../contract/cancellation.js';
import { pauseBeforeRetryMs } from '../contract/jobs/job-options.js';
import type { ExecutionResult, Outcome } from '../contract/result.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { notTriedAgain, unstartedOutcome } from '../outcome/cancelled-outcome.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { traced } from '../telemetry/tracing.js';
import { ExecutionLedger, type Turn } from '../results/execution-ledger.js';
import { LogWriter } from '../results/log-writer.js';
import { ResultPublisher, waitMetrics } from '../results/result-publisher.js';
import type { AttemptEnd } from './attempt.js';
import { type Delivery, namesOf, type TakenDelivery } from './delivery.js';
import { AttemptFailedError, mayRetry, unrunReason } from './job-decisions.js';
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
    private readonly results: ResultPublisher,
    private readonly logs: LogWriter,
    private readonly statistics: WorkerStatistics,
    private readonly selfTest: SelfTestService,
  ) {}

  /**
   * Returns what the job ends with.
   * @throws {ExecutionFailedError} when the execution failed
   * @throws {AttemptFailedError} when it is tried again
   */
  async end(delivery: TakenDelivery, end: AttemptEnd): Promise<unknown> {
    if (mayRetry(delivery.job, end.outcome)) return this.failAttempt(delivery, end);
    const { request } = delivery.stops.cancellation;
    return this.conclude(delivery, { ...end, outcome: withLateCancel(end.outcome, request) });
  }

  /** As {@link end}, of an execution that is to end although its attempt came to none. */
  async cancel(delivery: TakenDelivery, request: CancelRequest): Promise<unknown> {
    return this.conclude(delivery, { outcome: unstartedOutcome(request, 'not started again') });
  }

  /** A job whose execution has its result: ends as that says, without a run. */
  async repeat({ job, request }: Delivery, { repeat, result }: Ended): Promise<unknown> {
    await this.results.resend(request);
    await freeDeduplicationId(job);
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
    return this.endJob(job, request, result);
  }

  /** The result is out before BullMQ hears of the end: a crash in between costs a repeated delivery, not a result. */
  private async conclude(delivery: TakenDelivery, end: AttemptEnd): Promise<unknown> {
    const { job, request, attempt, run, times, mark } = delivery;
    const { executionId, kind, tick } = request;
    const { outcome, runnerId, holdsNoSecrets = false } = end;
    const earlier = attempt > 1 ? await this.ledger.earlierAttempts(executionId) : [];
    const isolation = this.selfTest.ofResult();
    const seen = isolation ? { isolation, ...outcome } : outcome;
    if ('refusal' in request) makeFinishable(job);
    await freeDeduplicationId(job);
    const target = { executionId, kind, run, attempt, times, tick, mark, holdsNoSecrets, earlier };
    const result = await traced('publish', {}, () => this.results.publish(target, seen));
    this.ledger.release(executionId);
    this.statistics.record(outcome);
    const { status, failure } = outcome;
    const code = failure?.code ?? null;
    const metrics = { ...waitMetrics(times), ...outcome.metrics };
    emitMeasurement('execution-ended', { status, code, durationMs: outcome.duration_ms, metrics });
    const names = { ...namesOf(delivery), runnerId };
    this.logger.log({ msg: 'execution ended', ...names, status, code: code ?? undefined });
    const unrun = unrunReason(outcome);
    if (unrun) emitMeasurement('job-ended-unrun', { reason: unrun });
    return this.endJob(job, request, result);
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off, unless somebody wants it to end. */
  private async failAttempt(delivery: TakenDelivery, end: AttemptEnd): Promise<unknown> {
    const { job, request, run, attempt, mark, stops } = delivery;
    const { executionId } = request;
    const { outcome, runnerId } = end;
    const pauseMs = pauseBeforeRetryMs(job.opts.backoff, job.attemptsMade + 1, Math.random());
    const failed = { attempt, outcome, mark };
    const noted = await this.ledger.free(executionId, { run, counted: true, failed, pauseMs });
    const cancel = noted ?? stops.cancellation.request;
    if (cancel) return this.conclude(delivery, { ...end, outcome: notTriedAgain(outcome, cancel) });
    await this.logs.close(executionId);
    const code = outcome.failure?.code ?? 'INTERNAL';
    emitMeasurement('attempt-failed', { code });
    const names = { ...namesOf(delivery), runnerId };
    this.logger.log({ msg: 'attempt failed, to be tried again', ...names, code, pauseMs });
    await note(job, `Attempt ${attempt} failed: ${code}: ${outcome.error}. ${whereLogsAre(executionId)}`);
    // The pause that was written down, which BullMQ would draw anew.
    job.opts.backoff = { type: 'fixed', delay: pauseMs };
    throw new AttemptFailedError(outcome);
  }

  private async endJob(
    job: Job,
    { executionId, kind }: JobRequest,
    result: ExecutionResult,
  ): Promise<unknown> {
    if (result.success) allowNoRetry(job);
    else {
      const code = result.failure?.code ?? result.status;
      await note(job, `${code}: ${result.error}. ${whereLogsAre(executionId)}`);
    }
    return endOf(result, kind, this.results.keyOf(executionId));
  }
}

type Ended = Extract<Turn, { kind: 'ended' }>;

/** Somebody asked for the end, but it had come already. */
const withLateCancel = (outcome: Outcome, cancel: CancelRequest | null): Outcome =>
  cancel && !outcome.cancellation ? { ...outcome, cancellation: receiptOf(cancel, 'too late') } : outcome;
