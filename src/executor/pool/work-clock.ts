import { IDLE_MS, REFILL_PAUSE_MS } from './pool-plan.js';

/** After each of these times without work the plan of the pool is another. */
const STAGES_MS = [REFILL_PAUSE_MS, IDLE_MS];

/** Knows when there was work last, and calls back when the plan changes because there was none since. */
export class WorkClock {
  /** Monotonic. */
  workedAtMs = performance.now();
  private timer: NodeJS.Timeout | null = null;
  /** What the timer waits for, of {@link STAGES_MS}. */
  private stage = 0;

  constructor(private readonly onStage: () => void) {}

  /** There is work now. */
  note(): void {
    this.workedAtMs = performance.now();
    // Most come while it waits for the first stage: no timer is made anew for them.
    if (this.timer === null || this.stage > 0) this.arm();
  }

  stop(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private arm(): void {
    this.stop();
    const passedMs = performance.now() - this.workedAtMs;
    this.stage = STAGES_MS.findIndex((ms) => ms > passedMs);
    if (this.stage < 0) return;
    const leftMs = Math.ceil((STAGES_MS[this.stage] as number) - passedMs);
    this.timer = setTimeout(() => this.pass(), leftMs).unref();
  }

  private pass(): void {
    this.arm();
    this.onStage();
  }
}
