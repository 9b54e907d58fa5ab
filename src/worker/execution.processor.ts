import { WorkerHost } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { type CancelRequest, receiptOf } from '../contract/cancellation.js';
import type { Outcome } from '../contract/result.js';
import { unstartedOutcome } from '../outcome/cancelled-outcome.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { Activity } from '../lib/activity.js';
import { ExecutionLedger, type Turn } from '../results/execution-ledger.js';
import { AttemptService, type Preparation } from './attempt.service.js';
import { ConclusionService } from './conclusion.service.js';
import { HandBackService } from './hand-back.service.js';
import { isDecided, mayRetry } from './job-decisions.js';
import { type JobRequest, parseJob } from '../queue/parse-job.js';
import { RunningExecutions } from './running-executions.js';
import { markOf, type TakenJob, takenJob } from './taken-job.js';

/**
 * The main flow: one job of the work queue, from its arrival to its one result.
 *
 * A job that comes while the worker drains, whose execution runs elsewhere, whose children are under way, or
 * whose runner cannot be started goes back to the queue without counting; everything else ends with a result.
 */
@Injectable()
export class ExecutionProcessor extends WorkerHost {
  /** The jobs that are being processed now. */
  readonly activity = new Activity();

  constructor(
    private readonly state: WorkerStateHolder,
    private readonly ledger: ExecutionLedger,
    private readonly attempts: AttemptService,
    private readonly conclusion: ConclusionService,
    private readonly handBack: HandBackService,
    private readonly running: RunningExecutions,
  ) {
    super();
  }

  // BullMQ hands out the abort signal only to processors that declare three parameters.
  override async process(job: Job, token?: string, signal?: AbortSignal): Promise<unknown> {
    if (token === undefined || signal === undefined) throw new Error('BullMQ gave no token or no signal');
    using _active = this.activity.enter();
    if (!this.state.takesWork) return this.handBack.now(job, token);
    const request = parseJob(job);
    const { executionId } = request;
    using running = this.running.enter(executionId);
    const { cancellation } = running;
    let taken: (TakenJob & JobRequest) | null = null;
    try {
      const prepared = await this.attempts.prepare(job, request);
      if (prepared.family?.pending && !prepared.family.failed)
        return await this.handBack.untilChildren(job, token);
      const turn = await this.take(job, request, prepared);
      if (turn.kind === 'elsewhere') return await this.handBack.later(job, token);
      if (turn.kind === 'ended') return await this.conclusion.finishEnded(job, request, turn);
      if (turn.cancel) cancellation.ask(turn.cancel);
      const begun = (taken = takenJob(job, request, turn, prepared.family !== null));
      const stops = { interrupt: signal, cancellation };
      const outcome = await this.attempts.carryOut(job, begun, { ...prepared, turn }, stops);
      if (mayRetry(job, outcome)) return await this.conclusion.failAttempt(job, begun, outcome, cancellation);
      return await this.conclusion.conclude(job, begun, withLateCancel(outcome, cancellation.request));
    } catch (error) {
      if (isDecided(error)) throw error;
      const cancel = await this.handBack.letGo(job, executionId, taken?.run ?? null, error);
      if (cancel && taken)
        return this.conclusion.conclude(job, taken, unstartedOutcome(cancel, 'not started again'));
      return this.handBack.unfinished(job, token, error);
    }
  }

  /** Whose the execution is; a result that a further run replaces is on the result queue before that begins. */
  private async take(job: Job, request: JobRequest, { generation }: Preparation): Promise<Taken> {
    const asking = { mark: markOf(job), again: request.again };
    for (;;) {
      const turn = await this.ledger.take(request.executionId, generation, asking);
      if (turn.kind !== 'unsent') return turn;
      await this.conclusion.resend(request);
    }
  }
}

type Taken = Exclude<Turn, { kind: 'unsent' }>;

/** Somebody asked for the end, but it had come already. */
const withLateCancel = (outcome: Outcome, cancel: CancelRequest | null): Outcome =>
  cancel && !outcome.cancellation ? { ...outcome, cancellation: receiptOf(cancel, 'too late') } : outcome;
