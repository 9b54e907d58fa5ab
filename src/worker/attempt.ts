import { Injectable } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import { NO_CHILDREN } from '../contract/execution.js';
import type { ExecutionProgress, Outcome } from '../contract/result.js';
import { NO_SUBJECT, subjectOf } from '../contract/subject.js';
import { traceparentOfJob } from '../contract/traceparent.js';
import { unstartedOutcome } from '../outcome/cancelled-outcome.js';
import { ExecutorService } from '../executor/executor.service.js';
import { InterruptedError } from '../executor/cancellation.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { LatestSender } from '../lib/latest-sender.js';
import { traced } from '../telemetry/tracing.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { LogWriter } from '../results/log-writer.js';
import type { OurTurn } from '../queue/queue-times.js';
import { type TakenDelivery, traceOf } from './delivery.js';
import { childFailed, outcomeOfError, refused, stalledOut } from './job-decisions.js';

type OwnTurn = Extract<OurTurn, { kind: 'ours' }>;

/** Progress is written to BullMQ and the ledger this often; the log stream has all of it. */
const PROGRESS_MS = 100;

/** What came of an attempt. */
export interface AttemptEnd {
  outcome: Outcome;
  /** The runner that carried it out; undefined: none did. */
  runnerId?: string | undefined;
  /** Its context was read and has no secrets that would have to be removed. */
  holdsNoSecrets?: boolean;
}

/**
 * Third step of the main flow: one attempt to carry out an execution. Has it run, and writes down what happens
 * meanwhile. Every way in which it can fail is an outcome, except a fault of the worker's own.
 */
@Injectable()
export class Attempt {
  constructor(
    private readonly executor: ExecutorService,
    private readonly ledger: ExecutionLedger,
    private readonly logs: LogWriter,
    private readonly selfTest: SelfTestService,
  ) {}

  /** @throws what outcomeOfError lets through: the job goes back to the queue then. */
  run(delivery: TakenDelivery): Promise<AttemptEnd> {
    return traced('execution', traceOf(delivery), async (span) => {
      const end = await this.carryThrough(delivery);
      span.set('bifrost.status', end.outcome.status);
      if (end.outcome.failure) span.fail(end.outcome.failure.code);
      return end;
    });
  }

  private async carryThrough(delivery: TakenDelivery): Promise<AttemptEnd> {
    const { request, turn, family } = delivery;
    if (turn.kind === 'exhausted')
      return { outcome: turn.cancel ? unstartedOutcome(turn.cancel, 'not started again') : stalledOut() };
    if ('refusal' in request) return { outcome: refused(request.refusal) };
    if (family?.failed) return { outcome: childFailed(family.failed) };
    return this.execute(delivery, turn);
  }

  private async execute(delivery: TakenDelivery, turn: OwnTurn): Promise<AttemptEnd> {
    const { job, request, family, stops } = delivery;
    const { executionId } = request;
    const { attempt, run, generation } = turn;
    const log = this.logs.open(executionId, attempt);
    const progress = new LatestSender(
      (value: ExecutionProgress) =>
        Promise.all([job.updateProgress(value), this.ledger.noteProgress(executionId, value)]),
      PROGRESS_MS,
    );
    let subject = NO_SUBJECT;
    let holdsNoSecrets = false;
    let runnerId: string | undefined;
    try {
      const loaded = await delivery.loading;
      subject = subjectOf(loaded);
      holdsNoSecrets = Object.keys(loaded.secrets).length === 0;
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
        onRunner: (id) => (runnerId = id),
        onPinned: (pinned) => void this.ledger.pin(executionId, pinned).catch(() => undefined),
      });
      const isolation = this.selfTest.ofResult(execution.network);
      return {
        outcome: { ...outcome, ...subject, ...(isolation ? { isolation } : {}) },
        runnerId,
        holdsNoSecrets,
      };
    } catch (error) {
      await this.logs.close(executionId);
      const { request: cancel } = stops.cancellation;
      const outcome = cancel === null ? outcomeOfError(error, attempt) : cancelledAt(error, turn, cancel);
      return { outcome: { ...outcome, ...subject }, runnerId, holdsNoSecrets };
    } finally {
      await progress.idle();
    }
  }
}

/** Its code may have run before: in this attempt, or in one whose worker was lost. */
function cancelledAt(error: unknown, turn: OwnTurn, cancel: CancelRequest): Outcome {
  const ran = error instanceof InterruptedError || (turn.cancel !== null && turn.attempt > 1);
  return unstartedOutcome(cancel, ran ? 'not started again' : 'before start');
}
