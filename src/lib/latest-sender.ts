import { pause } from './time-limit.js';

/**
 * Sends values one after the other; while one is under way only the newest waits, so that a fast
 * source can neither flood the receiver nor fill the memory. Failures of `send` are dropped.
 */
export class LatestSender<T> {
  private waiting: { value: T } | null = null;
  private sending: Promise<void> | null = null;
  private pause: AbortController | null = null;
  private hurried = false;

  /** @param pauseMs between the end of one send and the next */
  constructor(
    private readonly send: (value: T) => Promise<unknown>,
    private readonly pauseMs = 0,
  ) {}

  push(value: T): void {
    this.waiting = { value };
    this.sending ??= this.drain();
  }

  /** Resolves when everything pushed so far is sent or dropped; does not wait for pauses. */
  async idle(): Promise<void> {
    this.hurried = true;
    this.pause?.abort();
    await this.sending;
    this.hurried = false;
  }

  private async drain(): Promise<void> {
    while (this.waiting) {
      const { value } = this.waiting;
      this.waiting = null;
      await this.send(value).catch(() => undefined);
      await this.rest();
    }
    this.sending = null;
  }

  private async rest(): Promise<void> {
    if (this.pauseMs === 0 || this.hurried) return;
    this.pause = new AbortController();
    await pause(this.pauseMs, this.pause.signal);
    this.pause = null;
  }
}
