import { atEndOfTurn } from './end-of-turn.js';

interface Entry<T> {
  value: T;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/**
 * Sends values in their order, one batch at a time: what comes in the same turn of the event loop goes
 * together, and what comes while a batch is under way goes with the next, so that a batch is as large as the receiver is slow and nothing ever waits for a timer.
 */
export class BatchSender<T> {
  private waiting: Entry<T>[] = [];
  private sending = false;

  constructor(
    private readonly send: (values: T[]) => Promise<unknown>,
    private readonly largest: number,
  ) {}

  /** Resolves when the value is sent; rejects with what `send` rejected the whole batch with. */
  push(value: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ value, resolve, reject });
      if (this.sending) return;
      this.sending = true;
      atEndOfTurn(() => void this.drain());
    });
  }

  private async drain(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.splice(0, this.largest);
      try {
        await this.send(batch.map(({ value }) => value));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.sending = false;
  }
}
