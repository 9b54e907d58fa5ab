import { type CancelRequest, cancelMessage } from '../contract/cancellation.js';

/** The execution was cancelled before its code was started. */
export class CancelledError extends Error {
  override name = 'CancelledError';
}

/** Whether the end of one execution was requested; at most one request counts. */
export class Cancellation {
  private readonly controller = new AbortController();
  private asked: CancelRequest | null = null;

  get request(): CancelRequest | null {
    return this.asked;
  }

  /** Aborts with a {@link CancelledError} when the execution is to end. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The first request counts. */
  ask(request: CancelRequest): void {
    if (this.asked !== null) return;
    this.asked = request;
    this.controller.abort(new CancelledError(cancelMessage(request)));
  }

  /**
   * Waits for `work`, but no longer than until the end is requested; what comes of it after that
   * is handed to `discard`.
   * @throws {CancelledError}
   */
  async unless<T>(work: Promise<T>, discard: (late: T) => void = () => undefined): Promise<T> {
    const { signal } = this;
    const { promise: cancelled, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    try {
      return await Promise.race([cancelled, work]);
    } catch (error) {
      if (error === signal.reason) work.then(discard, () => undefined);
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }
}

/** Someone outside asked for the end of the execution; it has no outcome. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/** What may end an execution from outside. */
export interface Stops {
  /** The worker cannot go on with it: another delivery will. */
  interrupt: AbortSignal;
  /** No worker is to go on with it. */
  cancellation: Cancellation;
}
