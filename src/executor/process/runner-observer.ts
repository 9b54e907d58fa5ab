import type { RunnerFrame } from '../../boundary/runner-frames.js';
import type { ProcessEnd } from '../../isolation/isolation-level.js';

/** How the process ended: one of the two is null. */
export type RunnerExit = ProcessEnd;

/** Is notified of what one execution's runner does. */
export interface RunnerObserver {
  /** `bytes`: about the length of its line. */
  onFrame(frame: RunnerFrame, bytes: number): void;
  /** Bytes written to descriptor 1 or 2 past console and process.stdout. */
  onRawOutput(stream: 'stdout' | 'stderr', text: string): void;
  /** The runner sent something that a runner does not send; it is killed already. */
  onViolation(what: string): void;
  /** The process is gone, and everything that it wrote has arrived; comes last. */
  onEnded(exit: RunnerExit): void;
}
