/** How often a run is looked at, in ms. */
export const TICK_MS = 25;

/** What is looked at while it runs. */
export interface Ticking {
  tick(): void;
}

/**
 * One timer for all runs: most of them end before they are looked at for the first time. Stops by itself when there
 * is none.
 */
class RunTicks {
  private readonly runs = new Set<Ticking>();
  private timer: NodeJS.Timeout | null = null;

  /** Looks at this run from now on; the first time within {@link TICK_MS}. */
  add(run: Ticking): void {
    this.runs.add(run);
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  delete(run: Ticking): void {
    this.runs.delete(run);
  }

  private tick(): void {
    for (const run of this.runs) run.tick();
    if (this.runs.size > 0 || this.timer === null) return;
    clearInterval(this.timer);
    this.timer = null;
  }
}

/** Those of this worker. */
export const runTicks = new RunTicks();
