import { WorkerHost } from '@nestjs/bullmq';
import { Injectable, Logger } from '@nestjs/common';
import { type Job, UnrecoverableError } from 'bullmq';
import { ContextService } from '../context/context.service.js';
import type { ExecutionProgress, Outcome } from '../contract/result.js';
import { NO_SUBJECT, subjectOf } from '../contract/subject.js';
import { ExecutorService } from '../executor/executor.service.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { Activity } from '../lib/activity.js';
import { LatestSender } from '../lib/latest-sender.js';
import { ExecutionLedger, type Turn } from '../results/execution-ledger.js';
import type { ExecutionLog } from '../results/execution-log.js';
import { LogWriter } from '../results/log-writer.js';
import { type Delivery, ResultPublisher } from '../results/result-publisher.js';
import { HandBackService } from './hand-back.service.js';
import {
  AttemptFailedError,
  isDecided,
  mayRetry,
  outcomeOfError,
  refused,
  stalledOut,
} from './job-decisions.js';
import { type JobRequest, parseJob } from './parse-job.js';

/** Progress is told to BullMQ and the ledger this often; the log stream has all of it. */
const PROGRESS_MS = 100;

/** What BullMQ keeps of a job that is done; the result itself is in Redis and on the result queue. */
export interface JobReturn {
  status: Outcome['status'] | 'known';
}

/**
 * The main flow: one job of the work queue, from its arrival to its one result.
 *
 * A job that comes while the worker drains, whose execution runs elsewhere, or whose runner cannot
 * be started goes back to the queue without counting; everything else ends with a result.
 */
@Injectable()
export class ExecutionProcessor extends WorkerHost {
  /** The jobs that are being processed now. */
  readonly activity = new Activity();
  private readonly logger = new Logger(ExecutionProcessor.name);

  constructor(
    private readonly state: WorkerStateHolder,
    private readonly ledger: ExecutionLedger,
    private readonly contexts: ContextService,
    private readonly executor: ExecutorService,
    private readonly results: ResultPublisher,
    private readonly logs: LogWriter,
    private readonly statistics: WorkerStatistics,
    private readonly handBack: HandBackService,
  ) {
    super();
  }

  // BullMQ hands out the abort signal only to processors that declare three parameters.
  override async process(job: Job, token?: string, signal?: AbortSignal): Promise<JobReturn> {
    if (token === undefined || signal === undefined) throw new Error('BullMQ gave no token or no signal');
    using _active = this.activity.enter();
    if (!this.state.takesWork) return this.handBack.now(job, token);
    const request = parseJob(job);
    try {
      const turn = await this.ledger.take(request.executionId);
      if (turn.kind === 'elsewhere') return await this.handBack.later(job, token);
      if (turn.kind === 'ended') return await this.finishKnown(request);
      const delivery = { ...request, attempt: turn.attempt, queuedMs: queuedMs(job) };
      const log = this.logs.open(request.executionId, turn.attempt);
      const outcome =
        turn.kind === 'ours' ? await this.carryOut(job, request, turn, log, signal) : stalledOut();
      if (mayRetry(job, outcome)) return await this.failAttempt(delivery, log, outcome);
      return await this.conclude(delivery, log, outcome);
    } catch (error) {
      if (isDecided(error)) throw error;
      return this.handBack.unfinished(job, token, request.executionId, error);
    }
  }

  private async carryOut(
    job: Job,
    request: JobRequest,
    turn: OurTurn,
    log: ExecutionLog,
    signal: AbortSignal,
  ): Promise<Outcome> {
    if ('refusal' in request) return refused(request.refusal);
    const { executionId } = request;
    const { attempt, generation } = turn;
    log.start();
    const progress = new LatestSender(
      (value: ExecutionProgress) =>
        Promise.all([job.updateProgress(value), this.ledger.noteProgress(executionId, value)]),
      PROGRESS_MS,
    );
    let subject = NO_SUBJECT;
    try {
      const loaded =
        request.kind === 'task'
          ? this.contexts.fromTask(request.task)
          : await this.contexts.load(executionId);
      subject = subjectOf(loaded);
      const outcome = await this.executor.execute({ ...loaded, attempt, generation }, signal, {
        onProgress: (value) => {
          log.progress(value);
          progress.push(value);
        },
        onLog: (entry) => log.add(entry),
        onPinned: (pinned) => void this.ledger.pin(executionId, pinned).catch(() => undefined),
      });
      return { ...outcome, ...subject };
    } catch (error) {
      await this.logs.close(log);
      return { ...outcomeOfError(error, attempt), ...subject };
    } finally {
      await progress.idle();
    }
  }

  /** The result is out before BullMQ hears of the end: a crash in between costs a repeated delivery, not a result. */
  private async conclude(delivery: Delivery, log: ExecutionLog, outcome: Outcome): Promise<JobReturn> {
    await this.results.publish(delivery, outcome, () => this.contexts.removeSecrets(delivery.executionId));
    await this.logs.end(log, outcome.status);
    this.ledger.release(delivery.executionId);
    this.statistics.record(outcome);
    const { executionId, attempt } = delivery;
    this.logger.log({
      msg: 'execution ended',
      executionId,
      attempt,
      status: outcome.status,
      code: outcome.failure?.code,
    });
    // BullMQ shows it as failed, and never tries it again.
    if (!outcome.success) throw new UnrecoverableError(outcome.error ?? outcome.status);
    return { status: outcome.status };
  }

  private async finishKnown(request: JobRequest): Promise<JobReturn> {
    await this.contexts.removeSecrets(request.executionId);
    await this.results.resend(request);
    return { status: 'known' };
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off. */
  private async failAttempt(
    { executionId, attempt }: Delivery,
    log: ExecutionLog,
    outcome: Outcome,
  ): Promise<never> {
    await this.logs.close(log);
    await this.ledger.letGo(executionId, { counted: true });
    this.logger.log({
      msg: 'attempt failed, to be tried again',
      executionId,
      attempt,
      code: outcome.failure?.code,
    });
    throw new AttemptFailedError(outcome.error ?? outcome.status);
  }
}

type OurTurn = Extract<Turn, { kind: 'ours' }>;

const queuedMs = (job: Job): number => Math.max(0, Date.now() - job.timestamp - job.delay);
