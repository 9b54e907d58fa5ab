import { Injectable, Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { pauseBeforeRetryMs } from '../contract/jobs/job-options.js';
import type { ExecutionResult, Outcome } from '../contract/result.js';
import type { Cancellation } from '../executor/cancellation.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { notTriedAgain } from '../outcome/cancelled-outcome.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { traced } from '../telemetry/tracing.js';
import { ExecutionLedger, type Turn } from '../results/execution-ledger.js';
import { LogWriter } from '../results/log-writer.js';
import { ResultPublisher, waitMetrics } from '../results/result-publisher.js';
import { AttemptFailedError, unrunReason } from './job-decisions.js';
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
import { markOf, namesOf, type TakenJob } from './taken-job.js';

/** What follows an attempt: the one result of its run, or another attempt. */
@Injectable()
export class ConclusionService {
  private readonly logger = new Logger(ConclusionService.name);

  constructor(
    private readonly ledger: ExecutionLedger,
    private readonly results: ResultPublisher,
    private readonly logs: LogWriter,
    private readonly statistics: WorkerStatistics,
    private readonly selfTest: SelfTestService,
  ) {}

  /**
   * The result is out before BullMQ hears of the end: a crash in between costs a repeated delivery, not a result.
   * Returns what the job ends with.
   * @throws {ExecutionFailedError} when the execution failed
   */
  async conclude(job: Job, delivery: TakenJob & JobRequest, outcome: Outcome): Promise<unknown> {
    const { executionId, attempt, times } = delivery;
    const earlier = attempt > 1 ? await this.ledger.earlierAttempts(executionId) : [];
    const isolation = this.selfTest.ofResult();
    const told = isolation ? { isolation, ...outcome } : outcome;
    if ('refusal' in delivery) makeFinishable(job);
    await freeDeduplicationId(job);
    const result = await traced('publish', {}, () => this.results.publish({ ...delivery, earlier }, told));
    this.ledger.release(executionId);
    this.statistics.record(outcome);
    const { status, failure } = outcome;
    const code = failure?.code ?? null;
    const metrics = { ...waitMetrics(times), ...outcome.metrics };
    emitMeasurement('execution-ended', { status, code, durationMs: outcome.duration_ms, metrics });
    this.logger.log({ msg: 'execution ended', ...namesOf(delivery), status, code: code ?? undefined });
    const unrun = unrunReason(outcome);
    if (unrun) emitMeasurement('job-ended-unrun', { reason: unrun });
    return this.end(job, delivery, result);
  }

  /** A job whose execution has its result: ends as that says, without a run. */
  async finishEnded(
    job: Job,
    request: JobRequest,
    { repeat, result }: Extract<Turn, { kind: 'ended' }>,
  ): Promise<unknown> {
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
    return this.end(job, request, result);
  }

  /** Puts the result that stands on the result queue, where it is not yet. */
  async resend(request: JobRequest): Promise<void> {
    await this.results.resend(request);
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off, unless somebody wants it to end. */
  async failAttempt(
    job: Job,
    delivery: TakenJob & JobRequest,
    outcome: Outcome,
    cancellation: Cancellation,
  ): Promise<unknown> {
    const { executionId, run, attempt } = delivery;
    const pauseMs = pauseBeforeRetryMs(job.opts.backoff, job.attemptsMade + 1, Math.random());
    const failed = { attempt, outcome, mark: markOf(job) };
    const noted = await this.ledger.letGo(executionId, { run, counted: true, failed, pauseMs });
    const cancel = noted ?? cancellation.request;
    if (cancel) return this.conclude(job, delivery, notTriedAgain(outcome, cancel));
    await this.logs.close(executionId);
    const code = outcome.failure?.code ?? 'INTERNAL';
    emitMeasurement('attempt-failed', { code });
    this.logger.log({ msg: 'attempt failed, to be tried again', ...namesOf(delivery), code, pauseMs });
    await note(job, `Attempt ${attempt} failed: ${code}: ${outcome.error}. ${whereLogsAre(executionId)}`);
    // The pause that was written down, which BullMQ would draw anew.
    job.opts.backoff = { type: 'fixed', delay: pauseMs };
    throw new AttemptFailedError(outcome);
  }

  private async end(job: Job, { executionId, kind }: JobRequest, result: ExecutionResult): Promise<unknown> {
    if (result.success) allowNoRetry(job);
    else {
      const code = result.failure?.code ?? result.status;
      await note(job, `${code}: ${result.error}. ${whereLogsAre(executionId)}`);
    }
    return endOf(result, kind, this.results.keyOf(executionId));
  }
}
