import { KINDS } from '../kinds/registry.js';
import type { RunnerProcess } from '../process/runner-process.js';
import type { Slot } from '../kinds/slot.js';

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
  return KINDS[runner.kind.name].openSlot(runner, scratch);
}
