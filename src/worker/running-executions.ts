import { Injectable, Logger } from '@nestjs/common';
import type { CancelRequest } from '../contract/cancellation.js';
import { Cancellation, InterruptedError, Interruption, type Stops } from '../executor/cancellation.js';
import { CancelRequests } from '../results/cancel-requests.js';

/** A message that is lost is made up for within this time. */
const CHECK_MS = 1_000;

/** One job that is being processed, and whether its end was requested. */
export interface RunningExecution extends Stops, Disposable {}

/** Why code is ended whose execution has its result from another worker. */
export class OvertakenError extends Error {
  override message = 'another worker has come to the result of this execution';
}

class InHand implements RunningExecution {
  readonly cancellation = new Cancellation();
  readonly interruption = new Interruption();

  constructor(private readonly leave: () => void) {}

  [Symbol.dispose](): void {
    this.leave();
  }
}

/**
 * The executions that this worker has in hand, from the moment their job arrives, so that a request to
 * cancel finds them in whatever step they are. While there are any, Redis is asked once a second
 * whether one of them is to be cancelled: messages get lost when a connection breaks.
 */
@Injectable()
export class RunningExecutions {
  private readonly logger = new Logger(RunningExecutions.name);
  private readonly byId = new Map<string, Set<Stops>>();
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly requests: CancelRequests) {}

  /** Receives requests until it is disposed of: `using running = executions.enter(id)`. */
  enter(executionId: string): RunningExecution {
    const execution = new InHand(() => this.leave(executionId, execution));
    const jobs = this.byId.get(executionId) ?? new Set();
    this.byId.set(executionId, jobs.add(execution));
    this.timer ??= setInterval(() => void this.check(), CHECK_MS).unref();
    return execution;
  }

  private leave(executionId: string, execution: Stops): void {
    const jobs = this.byId.get(executionId);
    jobs?.delete(execution);
    if (jobs?.size === 0) this.byId.delete(executionId);
    if (this.byId.size === 0) this.stopChecking();
  }

  /** This worker cannot go on with anything that it has in hand now. */
  interruptAll(why: string): void {
    const reason = new InterruptedError(why);
    for (const jobs of this.byId.values()) for (const { interruption } of jobs) interruption.ask(reason);
  }

  /** Whether the execution is in hand here; if so it receives the request. */
  cancel(executionId: string, request: CancelRequest): boolean {
    const jobs = this.byId.get(executionId);
    jobs?.forEach(({ cancellation }) => cancellation.ask(request));
    return jobs !== undefined;
  }

  /** Whether another program has set the flag to cancel it; asked before its code starts. */
  async checkFlag(executionId: string): Promise<void> {
    const request = await this.requests.findFlag(executionId).catch(() => null);
    if (request) this.cancel(executionId, request);
  }

  /** As {@link cancel}, of a flag, which says nothing more. */
  cancelFlagged(executionId: string): void {
    this.cancel(executionId, { askedAt: new Date().toISOString(), reason: null });
  }

  private overtake(executionId: string): void {
    // One that is only being published here has ended: nothing of it listens any more.
    for (const { interruption } of this.byId.get(executionId) ?? []) interruption.ask(new OvertakenError());
  }

  private async check(): Promise<void> {
    try {
      const { requests, overtaken } = await this.requests.find([...this.byId.keys()]);
      for (const [id, request] of requests) this.cancel(id, request);
      for (const id of overtaken) this.overtake(id);
    } catch (error) {
      this.logger.debug(`requests to cancel could not be read: ${(error as Error).message}`);
    }
  }

  /** Asks Redis no longer, until another execution comes. */
  stopChecking(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
  }
}
