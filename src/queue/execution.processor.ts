import { WorkerHost } from '@nestjs/bullmq';
import { Injectable, Logger } from '@nestjs/common';
import { type Job, UnrecoverableError } from 'bullmq';
import { ContextService, type LoadedExecution } from '../context/context.service.js';
import { type CancelRequest, receiptOf } from '../contract/cancellation.js';
import type { ExecutionProgress, Outcome } from '../contract/result.js';
import { NO_SUBJECT, subjectOf } from '../contract/subject.js';
import { traceparentOfJob } from '../contract/traceparent.js';
import type { Cancellation } from '../executor/cancellation.js';
import { notTriedAgain, unstartedOutcome } from '../executor/cancelled-outcome.js';
import { ExecutorService, InterruptedError, type Stops } from '../executor/executor.service.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { WorkerStatistics } from '../heartbeat/worker-statistics.js';
import { Activity } from '../lib/activity.js';
import { LatestSender } from '../lib/latest-sender.js';
import { tell } from '../lib/measurements.js';
import { traced } from '../lib/tracing.js';
import { ExecutionLedger, type Turn } from '../results/execution-ledger.js';
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
import { RunningExecutions } from './running-executions.js';

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
    private readonly running: RunningExecutions,
  ) {
    super();
  }

  // BullMQ hands out the abort signal only to processors that declare three parameters.
  override async process(job: Job, token?: string, signal?: AbortSignal): Promise<JobReturn> {
    if (token === undefined || signal === undefined) throw new Error('BullMQ gave no token or no signal');
    using _active = this.activity.enter();
    if (!this.state.takesWork) return this.handBack.now(job, token);
    const request = parseJob(job);
    const { executionId } = request;
    using running = this.running.enter(executionId);
    const { cancellation } = running;
    let delivery: TakenJob | null = null;
    try {
      // Asked for together, to wait for Redis once.
      const loading = this.load(request);
      const turn = await this.ledger.take(executionId);
      if (turn.kind === 'elsewhere') return await this.handBack.later(job, token);
      if (turn.kind === 'ended') return await this.finishKnown(request);
      if (turn.cancel) cancellation.ask(turn.cancel);
      const taken = { ...request, attempt: startedAttempts(turn), queuedMs: queuedMs(job), jobId: job.id };
      delivery = taken;
      const outcome = await traced('execution', traceOf(taken), async (span) => {
        const ended = await this.carryOut(job, taken, { turn, loading }, { interrupt: signal, cancellation });
        span.set('bifrost.status', ended.status);
        if (ended.failure) span.fail(ended.failure.code);
        return ended;
      });
      if (mayRetry(job, outcome)) return await this.failAttempt(delivery, outcome, cancellation);
      return await this.conclude(delivery, withLateCancel(outcome, cancellation.request));
    } catch (error) {
      if (isDecided(error)) throw error;
      const cancel = await this.handBack.letGo(job, executionId, error);
      if (cancel && delivery) return this.conclude(delivery, unstartedOutcome(cancel, 'not started again'));
      return this.handBack.unfinished(job, token, error);
    }
  }

  private async carryOut(
    job: Job,
    request: TakenJob & JobRequest,
    { turn, loading }: Begun,
    stops: Stops,
  ): Promise<Outcome> {
    const { executionId } = request;
    const { cancellation } = stops;
    if (turn.kind === 'exhausted')
      return turn.cancel ? unstartedOutcome(turn.cancel, 'not started again') : stalledOut();
    if ('refusal' in request) return refused(request.refusal);
    const { attempt, generation } = turn;
    const log = this.logs.open(executionId, attempt);
    const progress = new LatestSender(
      (value: ExecutionProgress) =>
        Promise.all([job.updateProgress(value), this.ledger.noteProgress(executionId, value)]),
      PROGRESS_MS,
    );
    let subject = NO_SUBJECT;
    try {
      const loaded = await loading;
      subject = subjectOf(loaded);
      const execution = { ...loaded, attempt, generation, traceparent: traceparentOfJob(job.opts) };
      const outcome = await this.executor.execute(execution, stops, {
        onProgress: (value) => {
          log.progress(value);
          progress.push(value);
        },
        onLog: (entry) => log.add(entry),
        onRunner: (runnerId) => (request.runnerId = runnerId),
        onPinned: (pinned) => void this.ledger.pin(executionId, pinned).catch(() => undefined),
      });
      return { ...outcome, ...subject };
    } catch (error) {
      await this.logs.close(executionId);
      const { request: cancel } = cancellation;
      if (cancel === null) return { ...outcomeOfError(error, attempt), ...subject };
      const ran = error instanceof InterruptedError || (turn.cancel !== null && attempt > 1);
      return { ...unstartedOutcome(cancel, ran ? 'not started again' : 'before start'), ...subject };
    } finally {
      await progress.idle();
    }
  }

  /** Begins to load what is to be carried out; a failure counts when that is awaited, and not before. */
  private load(request: JobRequest): Promise<LoadedExecution> {
    const loading = Promise.try(() => {
      if ('refusal' in request) throw request.refusal;
      return request.kind === 'task'
        ? this.contexts.fromTask(request.task)
        : this.contexts.load(request.executionId, request.seal);
    });
    loading.catch(() => undefined);
    return loading;
  }

  /** The result is out before BullMQ hears of the end: a crash in between costs a repeated delivery, not a result. */
  private async conclude(delivery: TakenJob, outcome: Outcome): Promise<JobReturn> {
    const { executionId, attempt } = delivery;
    const earlier = attempt > 1 ? await this.ledger.earlierAttempts(executionId) : [];
    await traced('publish', {}, () => this.results.publish({ ...delivery, earlier }, outcome));
    this.ledger.release(executionId);
    this.statistics.record(outcome);
    tell('execution-ended', {
      status: outcome.status,
      code: outcome.failure?.code ?? null,
      durationMs: outcome.duration_ms,
      metrics: { queue_ms: delivery.queuedMs, ...outcome.metrics },
    });
    this.logger.log({
      msg: 'execution ended',
      ...namesOf(delivery),
      status: outcome.status,
      code: outcome.failure?.code,
    });
    // BullMQ shows it as failed, and never tries it again.
    if (!outcome.success) throw new UnrecoverableError(outcome.error ?? outcome.status);
    return { status: outcome.status };
  }

  private async finishKnown(request: JobRequest): Promise<JobReturn> {
    await this.results.resend(request);
    return { status: 'known' };
  }

  /** The job asked for more attempts: BullMQ delivers it again after its back-off, unless somebody wants it to end. */
  private async failAttempt(
    delivery: TakenJob,
    outcome: Outcome,
    cancellation: Cancellation,
  ): Promise<JobReturn> {
    const { executionId, attempt } = delivery;
    const noted = await this.ledger.letGo(executionId, { counted: true, failed: { attempt, outcome } });
    const cancel = noted ?? cancellation.request;
    if (cancel) return this.conclude(delivery, notTriedAgain(outcome, cancel));
    await this.logs.close(executionId);
    tell('attempt-failed', { code: outcome.failure?.code ?? 'INTERNAL' });
    this.logger.log({
      msg: 'attempt failed, to be tried again',
      ...namesOf(delivery),
      code: outcome.failure?.code,
    });
    throw new AttemptFailedError(outcome.error ?? outcome.status);
  }
}

/** An execution that this worker has taken; what it is to do is on its way. */
interface Begun {
  turn: OurTurn;
  loading: Promise<LoadedExecution>;
}

type OurTurn = Extract<Turn, { kind: 'ours' | 'exhausted' }>;

/** A turn that only ends a cancelled execution is no attempt. */
const startedAttempts = ({ attempt, cancel }: OurTurn): number =>
  cancel ? Math.max(1, attempt - 1) : attempt;

/** Somebody asked for the end, but it had come already. */
const withLateCancel = (outcome: Outcome, cancel: CancelRequest | null): Outcome =>
  cancel && !outcome.cancellation ? { ...outcome, cancellation: receiptOf(cancel, 'too late') } : outcome;

/** A delivery to come, and what log lines about it name. */
interface TakenJob extends Delivery {
  jobId: string | undefined;
  /** The runner that carried it out, once there is one. */
  runnerId?: string;
}

const namesOf = ({ executionId, jobId, attempt, runnerId }: TakenJob) => ({
  executionId,
  jobId,
  attempt,
  runnerId,
});

const traceOf = ({ executionId, jobId = '', attempt, kind, queuedMs: waited }: TakenJob) => ({
  'bifrost.execution.id': executionId,
  'bifrost.execution.kind': kind,
  'bifrost.attempt': attempt,
  'bifrost.job.id': jobId,
  'bifrost.queue_ms': waited,
});

const queuedMs = (job: Job): number => Math.max(0, Date.now() - job.timestamp - job.delay);
