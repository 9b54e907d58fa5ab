import { Injectable, Logger } from '@nestjs/common';
import { DelayedError, WaitingChildrenError, WaitingError } from 'bullmq';
import type { CancelRequest } from '../contract/cancellation.js';
import { HELD_UNTIL_MS } from '../contract/jobs/job-options.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { ExecutionLedger } from '../results/execution-ledger.js';
import type { Delivery } from './delivery.js';
import { isEnvironmental } from './job-decisions.js';
import { OvertakenError } from './running-executions.js';
import { InterruptedError } from '../executor/cancellation.js';

type Handed = Pick<Delivery, 'job' | 'token'>;

/** How long a job waits before a worker looks at it again. */
const LATER_MS = 1_000;

/** Last step of a delivery that ends without a result: returns jobs to the queue without counting an attempt. Each method ends by throwing what BullMQ expects. */
@Injectable()
export class HandBack {
  private readonly logger = new Logger(HandBack.name);

  constructor(private readonly ledger: ExecutionLedger) {}

  /** To the front of the queue, for any other worker. */
  async toFront({ job, token }: Handed): Promise<never> {
    emitMeasurement('handed-back', { to: 'front' });
    await this.attempt(job, () => job.moveToWait(token));
    throw new WaitingError();
  }

  /** To be looked at again in a second. */
  async later({ job, token }: Handed): Promise<never> {
    emitMeasurement('handed-back', { to: 'later' });
    await this.attempt(job, () => job.moveToDelayed(Date.now() + LATER_MS, token));
    throw new DelayedError();
  }

  /**
   * A job that has no place among those that run at once, as the lanes said: `held` until there is room, `parked` until it
   * is its turn, `unknown`: Redis did not say.
   */
  async untilRoom({ job, token }: Handed, room: 'held' | 'parked' | 'unknown'): Promise<never> {
    if (room === 'unknown') return this.later({ job, token });
    emitMeasurement('handed-back', { to: 'lane' });
    if (room === 'held') {
      await this.attempt(job, () => job.moveToDelayed(HELD_UNTIL_MS, token));
      throw new DelayedError();
    }
    await this.attempt(job, () => job.moveToWait(token));
    throw new WaitingError();
  }

  /** To be delivered again once its children have ended; BullMQ hands out a parent that was retried at once. */
  async untilChildren({ job, token }: Handed): Promise<never> {
    emitMeasurement('handed-back', { to: 'later' });
    const waits = await this.attempt(job, () => job.moveToWaitingChildren(token));
    if (waits === false) return this.toFront({ job, token });
    throw new WaitingChildrenError();
  }

  /**
   * Frees an execution that came to no result. The attempt counts when the fault may lie in what was asked
   * for. `run`: null while it was not taken. Returns a request to cancel where there is one: then the execution is not freed, and must end.
   */
  async free(
    { job, stops, request: { executionId } }: Pick<Delivery, 'job' | 'request' | 'stops'>,
    run: number | null,
    fault: unknown,
  ): Promise<CancelRequest | null> {
    const reason = fault instanceof Error ? fault.message : String(fault);
    const { request: why } = stops.interruption;
    if (why instanceof OvertakenError)
      this.logger.warn({ msg: 'execution ended here', executionId, jobId: job.id, reason: why.message });
    else this.logger.warn({ msg: 'execution handed back', executionId, jobId: job.id, reason });
    const counted = !isEnvironmental(fault);
    return (await this.attempt(job, () => this.ledger.free(executionId, { run, counted }))) ?? null;
  }

  /** The job of an execution that was freed: at once when another worker can do better, else in a second. */
  async unfinished(handed: Handed, fault: unknown): Promise<never> {
    return fault instanceof InterruptedError ? this.toFront(handed) : this.later(handed);
  }

  /** What cannot be done here happens without us: a job whose lock is lost goes back to the queue as stalled. */
  private async attempt<T>(job: Delivery['job'], step: () => Promise<T>): Promise<T | undefined> {
    return await step().catch((error: Error) => {
      this.logger.warn({ msg: 'job could not be handed back', jobId: job.id, reason: error.message });
      return undefined;
    });
  }
}
