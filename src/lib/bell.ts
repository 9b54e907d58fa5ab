/** Sleeps until it is rung, also when that was before; once `ended` aborts it does not sleep any more. */
export class Bell {
  private rung = false;
  private wake: (() => void) | undefined;
  private readonly onEnd = (): void => this.ring();

  constructor(private readonly ended: AbortSignal) {
    ended.addEventListener('abort', this.onEnd);
  }

  /** Ends the sleep, or the next one at once. */
  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Sleeps for `limitMs` milliseconds at most. */
  async wait(limitMs: number): Promise<void> {
    if (!this.rung && !this.ended.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.wake = undefined;
    this.rung = false;
  }

  /** Lets go of the signal. */
  close(): void {
    this.ended.removeEventListener('abort', this.onEnd);
  }
}
