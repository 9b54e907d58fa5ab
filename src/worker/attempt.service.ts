import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { ContextService, type LoadedExecution } from '../context/context.service.js';
import { NO_CHILDREN } from '../contract/execution.js';
import type { ExecutionProgress, Outcome } from '../contract/result.js';
import { NO_SUBJECT, subjectOf } from '../contract/subject.js';
import { traceparentOfJob } from '../contract/traceparent.js';
import { unstartedOutcome } from '../outcome/cancelled-outcome.js';
import { ExecutorService } from '../executor/executor.service.js';
import { InterruptedError, type Stops } from '../executor/cancellation.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { LatestSender } from '../lib/latest-sender.js';
import { traced } from '../telemetry/tracing.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { LogWriter } from '../results/log-writer.js';
import { type Family, FlowChildrenReader } from './flow-children.js';
import { childFailed, outcomeOfError, refused, stalledOut } from './job-decisions.js';
import type { JobRequest } from '../queue/parse-job.js';
import { type TakenJob, traceOf } from './taken-job.js';
import { type OurTurn } from '../queue/queue-times.js';

/** Progress is told to BullMQ and the ledger this often; the log stream has all of it. */
const PROGRESS_MS = 100;

/** What is collected of a job while the ledger is asked whose it is. */
export interface Preparation {
  /** What it is to do; a failure counts when that is awaited, and not before. */
  loading: Promise<LoadedExecution>;
  /** Workspace generation that it runs against when it begins now. */
  generation: number | null;
  /** null: its job waited for no others. */
  family: Family | null;
}

/** An execution that this worker has taken. */
export interface Begun extends Preparation {
  turn: OurTurn;
}

/**
 * One attempt to carry out an execution: loads what it is, has it run, and writes down what happens
 * meanwhile. Every way in which it can fail is an outcome, except a fault of the worker's own.
 */
@Injectable()
export class AttemptService {
  constructor(
    private readonly contexts: ContextService,
    private readonly executor: ExecutorService,
    private readonly ledger: ExecutionLedger,
    private readonly logs: LogWriter,
    private readonly selfTest: SelfTestService,
    private readonly children: FlowChildrenReader,
  ) {}

  /** Asks for everything together, to wait for Redis once. */
  async prepare(job: Job, request: JobRequest): Promise<Preparation> {
    const loading = this.load(request);
    const [generation, family] = await Promise.all([
      this.executor.currentGeneration(),
      this.children.read(job),
    ]);
    return { loading, generation, family };
  }

  private load(request: JobRequest): Promise<LoadedExecution> {
    const loading = Promise.try(() => {
      if ('refusal' in request) throw request.refusal;
      return request.kind === 'task'
        ? this.contexts.fromTask(request.task, request.executionId)
        : this.contexts.load(request.executionId, request.seal, request.contextId);
    });
    loading.catch(() => undefined);
    return loading;
  }

  /** @throws what outcomeOfError lets through: the job goes back to the queue then. */
  carryOut(job: Job, request: TakenJob & JobRequest, begun: Begun, stops: Stops): Promise<Outcome> {
    return traced('execution', traceOf(request), async (span) => {
      const outcome = await this.attempt(job, request, begun, stops);
      span.set('bifrost.status', outcome.status);
      if (outcome.failure) span.fail(outcome.failure.code);
      return outcome;
    });
  }

  private async attempt(
    job: Job,
    request: TakenJob & JobRequest,
    { turn, loading, family }: Begun,
    stops: Stops,
  ): Promise<Outcome> {
    const { executionId } = request;
    const { cancellation } = stops;
    if (turn.kind === 'exhausted')
      return turn.cancel ? unstartedOutcome(turn.cancel, 'not started again') : stalledOut();
    if ('refusal' in request) return refused(request.refusal);
    if (family?.failed) return childFailed(family.failed);
    const { attempt, run, generation } = turn;
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
      request.holdsNoSecrets = Object.keys(loaded.secrets).length === 0;
      const execution = {
        ...loaded,
        attempt,
        run,
        tick: request.tick,
        flow: family?.children ?? NO_CHILDREN,
        generation,
        traceparent: traceparentOfJob(job.opts),
      };
      const outcome = await this.executor.execute(execution, stops, {
        onProgress: (value) => {
          log.progress(value);
          progress.push(value);
        },
        onLog: (entry) => log.add(entry),
        onRunner: (runnerId) => (request.runnerId = runnerId),
        onPinned: (pinned) => void this.ledger.pin(executionId, pinned).catch(() => undefined),
      });
      const isolation = this.selfTest.ofResult(execution.network);
      return { ...outcome, ...subject, ...(isolation ? { isolation } : {}) };
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
}
