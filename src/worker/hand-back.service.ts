import { Injectable, Logger } from '@nestjs/common';
import { DelayedError, type Job, WaitingChildrenError, WaitingError } from 'bullmq';
import type { CancelRequest } from '../contract/cancellation.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import { isEnvironmental } from './job-decisions.js';
import { InterruptedError } from '../executor/cancellation.js';

/** How long a job waits before somebody looks at it again. */
const LATER_MS = 1_000;

/** Returns jobs to the queue without counting an attempt. Each method ends by throwing what BullMQ expects. */
@Injectable()
export class HandBackService {
  private readonly logger = new Logger(HandBackService.name);

  constructor(private readonly ledger: ExecutionLedger) {}

  /** To the front of the queue, for any other worker. */
  async now(job: Job, token: string): Promise<never> {
    emitMeasurement('handed-back', { to: 'front' });
    await this.attempt(job, () => job.moveToWait(token));
    throw new WaitingError();
  }

  /** To be looked at again in a second. */
  async later(job: Job, token: string): Promise<never> {
    emitMeasurement('handed-back', { to: 'later' });
    await this.attempt(job, () => job.moveToDelayed(Date.now() + LATER_MS, token));
    throw new DelayedError();
  }

  /** To be delivered again once its children have ended; BullMQ hands out a parent that was retried at once. */
  async untilChildren(job: Job, token: string): Promise<never> {
    emitMeasurement('handed-back', { to: 'later' });
    const waits = await this.attempt(job, () => job.moveToWaitingChildren(token));
    if (waits === false) return this.now(job, token);
    throw new WaitingChildrenError();
  }

  /**
   * Frees an execution that has no outcome. The attempt counts when the fault may lie in what was asked
   * for. Returns a request to cancel where there is one: then the execution is not freed, and must end.
   */
  async letGo(
    job: Job,
    executionId: string,
    run: number | null,
    fault: unknown,
  ): Promise<CancelRequest | null> {
    const reason = fault instanceof Error ? fault.message : String(fault);
    this.logger.warn({ msg: 'execution handed back', executionId, jobId: job.id, reason });
    const counted = !isEnvironmental(fault);
    return (await this.attempt(job, () => this.ledger.letGo(executionId, { run, counted }))) ?? null;
  }

  /** The job of an execution that was freed: at once when another worker can do better, else in a second. */
  async unfinished(job: Job, token: string, fault: unknown): Promise<never> {
    return fault instanceof InterruptedError ? this.now(job, token) : this.later(job, token);
  }

  /** What cannot be done here happens without us: a job whose lock is lost goes back to the queue as stalled. */
  private async attempt<T>(job: Job, step: () => Promise<T>): Promise<T | undefined> {
    return await step().catch((error: Error) => {
      this.logger.warn({ msg: 'job could not be handed back', jobId: job.id, reason: error.message });
      return undefined;
    });
  }
}
