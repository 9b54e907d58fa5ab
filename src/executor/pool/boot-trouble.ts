/** A runner that lived for this time without work is a good one. */
export const PROVEN_AFTER_MS = 5_000;
/** Runners that died without having served anything, one after the other, until that is a problem. */
export const DEATHS_TOLERATED = 4;

const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;

/**
 * Counts how often in a row runners could not be started, or died idle, and says how long to wait before
 * the next try and whether executions should go elsewhere.
 *
 * A runner that cannot be started is a problem at once: there is no capacity. Runners that boot and
 * then die are one from the fifth in a row on: one may have been killed from outside, five have not. A
 * boot ends the first count, and only a runner that has proven itself, by an execution or by its age,
 * ends the second; otherwise runners that die just after their boot would be replaced without end.
 */
export class BootTrouble {
  private failures = 0;
  private deaths = 0;
  private lastDeathMs = 0;
  private reason = '';

  /** Why executions should go elsewhere; null: they need not. */
  get problem(): string | null {
    return this.failures > 0 || this.deaths > DEATHS_TOLERATED ? this.reason : null;
  }

  /** Losses in a row, of the kind that there are more of. */
  get count(): number {
    return Math.max(this.failures, this.deaths);
  }

  /** How long to wait before the next boot. */
  get delayMs(): number {
    return Math.min(RETRY_BASE_MS * 2 ** Math.max(this.count - 1, 0), RETRY_MAX_MS);
  }

  bootFailed(reason: string): void {
    this.failures += 1;
    this.reason = reason;
  }

  booted(): void {
    this.failures = 0;
  }

  /** @param proven it had served an execution, or was old enough to count as good */
  died(reason: string, proven: boolean): void {
    this.deaths = proven ? Math.max(this.deaths, 1) : this.deaths + 1;
    this.lastDeathMs = performance.now();
    this.reason = `${this.deaths} runners in a row died before they served anything: ${reason}`;
  }

  /** A runner did what it is there for. One that is older than the last death says nothing about new ones. */
  proven(bornAtMs: number): void {
    if (bornAtMs > this.lastDeathMs) this.deaths = 0;
  }
}
