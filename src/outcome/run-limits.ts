/** Bounds of one run. */
export interface RunLimits {
  timeoutMs: number;
  /** Part of `timeoutMs` that was used up before the run, by compiling. */
  spentMs: number;
  /** CPU time of all its threads; null: only the time limit counts. */
  cpuMs: number | null;
  memoryMb: number;
  outputBytes: number;
  /** Largest file that it may write. */
  fileMb: number;
  openFiles: number;
  /** What it may keep in its scratch folder. */
  scratchMb: number;
  /** How long code may go on after `context.signal` has aborted. */
  cancelGraceMs: number;
}
