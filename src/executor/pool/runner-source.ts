import type { RunnerStart } from '../../contract/confinement.js';
import type { Slot } from '../kinds/slot.js';
import type { RunnerProcess } from '../process/runner-process.js';

/** Where runners come from and where they go. */
export interface RunnerSource {
  boot(): Promise<RunnerProcess>;
  /** @throws what the file system says */
  openSlot(runner: RunnerProcess): Slot;
  /** Whether an execution that is over has left its scratch folder as empty as it was; false: that is not known. */
  isUntouched(runner: RunnerProcess, scratch: string): boolean;
  /** Takes a folder back in which nothing was left. */
  reuse(runner: RunnerProcess, scratch: string): void;
  /** Removes what an execution left; null: nothing had to be waited for. Never rejects. */
  clear(runner: RunnerProcess, scratch: string): Promise<void> | null;
  /** Removes what the runner had on the disk, once it has ended. */
  cleanUp(runner: RunnerProcess): Promise<void>;
  /** How those come about that are booted now. */
  readonly way: { readonly start: RunnerStart };
}
