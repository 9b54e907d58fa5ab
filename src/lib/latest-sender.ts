/**
 * Sends values one after the other; while one is under way only the newest waits, so that a fast
 * source can neither flood the receiver nor fill the memory. Failures of `send` are dropped.
 */
export class LatestSender<T> {
  private waiting: { value: T } | null = null;
  private sending: Promise<void> | null = null;

  constructor(private readonly send: (value: T) => Promise<unknown>) {}

  push(value: T): void {
    this.waiting = { value };
    this.sending ??= this.drain();
  }

  /** Resolves when everything pushed so far is sent or dropped. */
  async idle(): Promise<void> {
    await this.sending;
  }

  private async drain(): Promise<void> {
    while (this.waiting) {
      const { value } = this.waiting;
      this.waiting = null;
      await this.send(value).catch(() => undefined);
    }
    this.sending = null;
  }
}
