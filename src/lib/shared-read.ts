import { atEndOfTurn } from './end-of-turn.js';

interface Waiter<T> {
  resolve: (value: T) => void;
  reject: (error: unknown) => void;
}

/**
 * Reads something for many at once and never hands out an answer that was asked for before the caller
 * came: callers in the same turn of the event loop share one read, and callers that come while it is
 * under way wait for the next one, which then serves all of them.
 */
export class SharedRead<T> {
  private waiting: Waiter<T>[] = [];
  private reading = false;

  constructor(private readonly read: () => Promise<T>) {}

  /** Rejects with what `read` rejects with. */
  get(): Promise<T> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (this.reading) return;
      this.reading = true;
      atEndOfTurn(() => void this.serve());
    });
  }

  private async serve(): Promise<void> {
    while (this.waiting.length > 0) {
      const served = this.waiting;
      this.waiting = [];
      try {
        const value = await this.read();
        for (const { resolve } of served) resolve(value);
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    this.reading = false;
  }
}
