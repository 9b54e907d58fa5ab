/** What became of one use at the last `npm run compat`. */
export interface SeenUse {
  name: string;
  /** That was installed; null: none could be. */
  version: string | null;
  native: boolean;
  /** The setting NETWORK of the worker. */
  network: string;
  works: boolean;
  /** What went wrong; null: nothing. */
  why: string | null;
}

/** What a worker did with a manifest of many names of which some cannot be had. */
export interface SeenManifest {
  names: number;
  /** Those that cannot be had. */
  missing: readonly string[];
  installed: number;
  /** Until all that is missing was named. */
  seconds: number;
  /** Of the worker, of npm and of the import checks. */
  cpuSeconds: number;
  /** The longest time in which the progress showed no change. */
  longestPauseSeconds: number;
}

/** `seen.json`: the last run. */
export interface SeenRun {
  /** Version of Node. */
  node: string;
  /** ISO 8601 date. */
  on: string;
  uses: readonly SeenUse[];
  /** Uses of servers, at NETWORK=proxy and NETWORK=open. */
  servers: readonly SeenUse[];
  /** Uses of a workspace with the compiler options that it needs. */
  workspaces: readonly SeenUse[];
  manifest: SeenManifest | null;
}
