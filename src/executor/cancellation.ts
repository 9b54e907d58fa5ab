import { type CancelRequest, cancelMessage } from '../contract/cancellation.js';

/** The execution was cancelled before its code was started. */
export class CancelledError extends Error {
  override name = 'CancelledError';
}

/** Whether the end of one execution was requested; at most one request counts. As an AbortSignal, without what one costs for each execution. */
class EndRequest<T extends object> {
  private readonly listeners = new Set<() => void>();
  private asked: T | null = null;

  get request(): T | null {
    return this.asked;
  }

  /** The first request counts. */
  ask(request: T): void {
    if (this.asked !== null) return;
    this.asked = request;
    for (const listener of this.listeners) listener();
  }

  /**
   * Calls back when the execution is to end; at once when that is so now.
   * @returns ends that
   */
  onAsked(listener: () => void): () => void {
    if (this.asked !== null) listener();
    else this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
}

/** This worker cannot go on with the execution: another delivery will. */
export class Interruption extends EndRequest<Error> {}

/** No worker is to go on with the execution. */
export class Cancellation extends EndRequest<CancelRequest> {
  /** What a step is ended with that is not wanted any more; null: it is. */
  get error(): CancelledError | null {
    return this.request && new CancelledError(cancelMessage(this.request));
  }

  /**
   * Waits for `work`, but no longer than until the end is requested; what comes of it after that
   * is handed to `discard`.
   * @throws {CancelledError}
   */
  unless<T>(work: Promise<T>, discard: (late: T) => void = () => undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const leave = this.onAsked(() => {
        isLate = true;
        reject(this.error);
      });
      work.then(
        (value) => {
          leave();
          if (isLate) discard(value);
          else resolve(value);
        },
        (error: Error) => {
          leave();
          reject(error);
        },
      );
    });
  }
}

/** Someone outside asked for the end of the execution; it has no outcome. */
export class InterruptedError extends Error {
  override name = 'InterruptedError';
}

/** What may end an execution from outside. */
export interface Stops {
  interruption: Interruption;
  cancellation: Cancellation;
}
