/** What became of one use at the last `npm run compat`. */
export interface SeenUse {
  name: string;
  /** That was installed; null: none could be. */
  version: string | null;
  native: boolean;
  works: boolean;
  /** What went wrong; null: nothing. */
  why: string | null;
}

/** `seen.json`: the last run. */
export interface SeenRun {
  /** Version of Node. */
  node: string;
  /** ISO 8601 date. */
  on: string;
  uses: readonly SeenUse[];
}
