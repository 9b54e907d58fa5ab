import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import type { CancelRequest } from '../contract/cancellation.js';
import { NO_CHILDREN } from '../contract/execution.js';
import type { ExecutionProgress } from '../contract/result.js';
import { Refusal } from '../contract/jobs/refusal.js';
import { subjectOf } from '../contract/subject.js';
import { traceparentOfJob } from '../contract/traceparent.js';
import { type AttemptReport, cancelledReport, codeOf, statusOf } from '../outcome/attempt-report.js';
import { ExecutorService } from '../executor/executor.service.js';
import { InterruptedError } from '../executor/cancellation.js';
import { SelfTestService } from '../executor/self-test.service.js';
import { LatestSender } from '../lib/latest-sender.js';
import type { Soon } from '../lib/soon.js';
import { Quotas, type UsedUp, usedUpMessage } from '../tenants/usage/quotas.js';
import { currentTracing, traced } from '../telemetry/tracing.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import type { OurTurn } from '../results/turn.js';
import { ExecutionUpdates } from '../results/clients/execution-updates.js';
import { LogWriter } from '../results/logs/log-writer.js';
import type { JobRequest } from '../queue/parse-job.js';
import { type TakenDelivery, traceOf } from './delivery.js';
import { childFailed, expired, passedOver, reportOfError, refused, stalledOut } from './job-decisions.js';

type OwnTurn = Extract<OurTurn, { kind: 'ours' }>;

/** Progress is written to BullMQ and the ledger this often; the log stream has all of it. */
const PROGRESS_MS = 100;

/**
 * Third step of the main flow: one attempt to carry out an execution. Has it run, and writes down what happens
 * meanwhile. Every way in which it can fail is in its report, except a fault of the worker's own.
 */
@Injectable()
export class Attempt {
  constructor(
    private readonly executor: ExecutorService,
    private readonly ledger: ExecutionLedger,
    private readonly logs: LogWriter,
    private readonly updates: ExecutionUpdates,
    private readonly selfTest: SelfTestService,
    private readonly quotas: Quotas,
  ) {}

  /** @throws what reportOfError lets through: the job goes back to the queue then. */
  run(delivery: TakenDelivery): Soon<AttemptReport> {
    if (currentTracing() === null) return this.reportOn(delivery);
    return traced('execution', traceOf(delivery), async (span) => {
      const report = await this.reportOn(delivery);
      const code = codeOf(report);
      span.set('bifrost.status', statusOf(code));
      if (code !== null) span.fail(code);
      return report;
    });
  }

  private reportOn(delivery: TakenDelivery): Soon<AttemptReport> {
    const { request, turn, family } = delivery;
    if (turn.kind === 'exhausted')
      return turn.cancel ? cancelledReport(turn.cancel, 'not started again') : stalledOut();
    if ('refusal' in request) return refused(request.refusal);
    if (delivery.passedOver !== null) return passedOver(delivery.passedOver);
    if (isExpired(request, turn)) return expired(request.expiresAtMs);
    if (family?.failed) return childFailed(family.failed);
    return this.execute(delivery, turn);
  }

  private async execute(delivery: TakenDelivery, turn: OwnTurn): Promise<AttemptReport> {
    const { job, request, family, stops } = delivery;
    const { executionId } = request;
    const { attempt, run, starts, generation } = turn;
    const log = this.logs.open(executionId, attempt);
    this.updates.started(executionId);
    const progress: { sender?: LatestSender<ExecutionProgress> } = {};
    const seen: Pick<AttemptReport, 'subject' | 'holdsNoSecrets' | 'sync' | 'runnerId' | 'runnerStart'> = {};
    try {
      const { loading } = delivery;
      const loaded = loading instanceof Promise ? await loading : loading;
      seen.subject = subjectOf(loaded);
      seen.holdsNoSecrets = Object.keys(loaded.secrets).length === 0;
      seen.sync = loaded.sync;
      if (run === 1 && attempt === 1 && loaded.organization) {
        const refusing = this.quotas.refusing(loaded.organization.id);
        refuseUsedUp(refusing instanceof Promise ? await refusing : refusing);
      }
      const execution = {
        ...loaded,
        attempt,
        run,
        starts,
        tick: request.tick,
        flow: family?.children ?? NO_CHILDREN,
        generation,
        traceparent: traceparentOfJob(job.opts),
      };
      const report = await this.executor.execute(execution, stops, {
        onProgress: (value) => {
          log.progress(value);
          progress.sender ??= this.progressOf(job, executionId);
          progress.sender.push(value);
        },
        onLog: (entry) => log.add(entry),
        onRunner: ({ id, start }) => {
          this.ledger.noteGiven(executionId);
          seen.runnerId = id;
          seen.runnerStart = start;
        },
        onPinned: (pinned) => void this.ledger.pin(executionId, pinned).catch(() => undefined),
      });
      return Object.assign(report, seen, { isolation: this.selfTest.ofResult(execution.network) });
    } catch (error) {
      await this.logs.close(executionId);
      if (error instanceof Refusal && error.subject) seen.subject ??= error.subject;
      const { request: cancel } = stops.cancellation;
      const report = cancel === null ? reportOfError(error, attempt) : cancelledAt(error, turn, cancel);
      return { ...report, ...seen };
    } finally {
      if (progress.sender) await progress.sender.idle();
    }
  }

  private progressOf(job: Job, executionId: string): LatestSender<ExecutionProgress> {
    return new LatestSender(
      (value) => Promise.all([job.updateProgress(value), this.ledger.noteProgress(executionId, value)]),
      PROGRESS_MS,
    );
  }
}

/** New work of an organization that has used up a quota does not begin. @throws {Refusal} QUOTA_EXCEEDED */
function refuseUsedUp(used: UsedUp | null): void {
  if (used) throw new Refusal('QUOTA_EXCEEDED', usedUpMessage(used));
}

/** Only the first start of its code has a time. */
const isExpired = (
  request: JobRequest,
  { run, attempt }: OwnTurn,
): request is JobRequest & { expiresAtMs: number } =>
  request.expiresAtMs !== null && run === 1 && attempt === 1 && Date.now() > request.expiresAtMs;

/** Its code may have run before: in this attempt, or in one whose worker was lost. */
function cancelledAt(error: unknown, turn: OwnTurn, cancel: CancelRequest): AttemptReport {
  const ran = error instanceof InterruptedError || (turn.cancel !== null && turn.attempt > 1);
  return cancelledReport(cancel, ran ? 'not started again' : 'before start');
}
