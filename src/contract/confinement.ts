/** Levels of isolation, the strongest first. What each enforces: docs/security-model.md. */
export const ISOLATION_LEVELS = ['namespace', 'process', 'thread'] as const;
export type IsolationLevelName = (typeof ISOLATION_LEVELS)[number];

/** Kinds of runners: what an execution has of a runner process. See docs/runners.md. */
export const RUNNER_KINDS = ['process', 'thread'] as const;
export type RunnerKindName = (typeof RUNNER_KINDS)[number];

/** How a runner process came about: Node was started, or a template of it was forked. See docs/runners.md. */
export const RUNNER_STARTS = ['spawn', 'fork'] as const;
export type RunnerStart = (typeof RUNNER_STARTS)[number];

/** Which network user code has: none; what a proxy of the worker lets through; that of the machine. */
export const NETWORK_POLICIES = ['none', 'proxy', 'open'] as const;
export type NetworkPolicy = (typeof NETWORK_POLICIES)[number];

/**
 * What a runner does to itself while it boots, before it has seen anything of an execution. Passed by the
 * worker as JSON in the runner's first argument.
 */
export interface Confinement {
  /** Die with this parent; null: another process ensures that. */
  parentPid: number | null;
  /** Change to this user and group, and give up all others; null: stay. */
  uid: number | null;
  /** Most processes and threads of the runner's user; null: no limit of ours. */
  maxTasks: number | null;
  /** Only root may read its memory or its /proc, also not a process of the same user. */
  hidden: boolean;
  /** Ask the kernel to refuse every file but these, where it can (Landlock); null: the mounts see to that. */
  files: { read: string[]; run: string[]; write: string[] } | null;
  /** Refuse, before user code runs, every system call that it has no business with. */
  filter: boolean;
  /**
   * Its user is the worker's, and files of the worker are within its sight: the filter then also refuses
   * what Landlock lets the owner of a file do, and so to change modes and times in the scratch folder.
   */
  sharedUser: boolean;
  /** Parts of files may be locked (fcntl): only where whatever it may write to is out of the sight of all others. */
  recordLocks: boolean;
}
