/** This many reports are sent as they come. */
const FREE_REPORTS = 1_000;
const MIN_PAUSE_MS = 100;
/** Then no more than one in this part of the time since the first. */
const PARTS = 1_000;

/**
 * When an execution's progress is sent at once. A loop may report each of a million records: what comes
 * between is sent with the next frame, whatever that is, unless newer progress replaces it.
 */
export class ProgressPace {
  private reports = 0;
  private firstMs = 0;
  private lastMs = 0;

  /** Whether progress that is reported now goes out now. */
  isDue(nowMs: number): boolean {
    if (this.reports === 0) this.firstMs = nowMs;
    const share = (nowMs - this.firstMs) / PARTS;
    const pauseMs = share > MIN_PAUSE_MS ? share : MIN_PAUSE_MS;
    if (this.reports >= FREE_REPORTS && nowMs - this.lastMs < pauseMs) return false;
    this.reports += 1;
    this.lastMs = nowMs;
    return true;
  }
}
