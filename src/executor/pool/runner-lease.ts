import { ProcessSlot } from '../kinds/process-slot.js';
import type { RunnerProcess } from '../process/runner-process.js';
import type { Slot } from '../kinds/slot.js';
import { ThreadSlot } from '../kinds/thread-slot.js';

/** The right to one execution on one runner. Given back to the pool, which alone makes them. */
export interface RunnerLease {
  slot: Slot;
  /** The runner may serve another execution after this one. */
  keep: boolean;
  executionId: string;
  /** ISO 8601 */
  startedAt: string;
}

/** A place on this runner, of the runner's kind. */
export function slotOn(runner: RunnerProcess, scratch: string): Slot {
  switch (runner.kind) {
    case 'process':
      return new ProcessSlot(runner, scratch);
    case 'thread':
      return new ThreadSlot(runner, scratch);
  }
}
