/** What the kernel enforces on one runner process, set by the runner itself before user code is loaded. */
export interface ResourceLimits {
  /** Private memory beyond what it has when it is ready; null: not limited that way. */
  dataMb: number | null;
  /** Largest file that it may write. */
  fileMb: number;
  openFiles: number;
}

/** A limit that reaches user code as an error of Node. */
export const LIMIT_HITS = ['memory', 'file-size', 'open-files', 'processes'] as const;
export type LimitHit = (typeof LIMIT_HITS)[number];
