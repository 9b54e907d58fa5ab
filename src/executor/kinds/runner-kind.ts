import type { LaunchKind } from '../process/runner-launch.js';
import type { RunnerProcess } from '../process/runner-process.js';
import type { Slot } from './slot.js';

/** A way of giving an execution a place to run: all that differs from kind to kind. */
export interface RunnerKind extends LaunchKind {
  /** A place on this runner for one execution. */
  openSlot(runner: RunnerProcess, scratch: string): Slot;
}
