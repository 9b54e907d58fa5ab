/**
 * Decides whether something that is checked every `intervalMs` has answered steadily for `graceMs`.
 * Times are of a monotonic clock, in milliseconds. A gap, seen or still open, starts the grace anew.
 */
export class Steadiness {
  private lastOkMs: number | null = null;
  private sinceMs = 0;

  constructor(
    private readonly intervalMs: number,
    private readonly graceMs: number,
  ) {}

  ok(nowMs: number): void {
    if (this.lastOkMs === null || this.isGap(nowMs)) this.sinceMs = nowMs;
    this.lastOkMs = nowMs;
  }

  isSteady(nowMs: number): boolean {
    return this.lastOkMs !== null && !this.isGap(nowMs) && nowMs - this.sinceMs >= this.graceMs;
  }

  private isGap(nowMs: number): boolean {
    return nowMs - (this.lastOkMs ?? nowMs) > 2 * this.intervalMs;
  }
}
