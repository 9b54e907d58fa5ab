import type { IsolationLevelName, NetworkPolicy, RunnerKindName } from '../contract/confinement.js';

/** What a kind of runner means for the settings; how it is started and served: src/executor/kinds. */
export interface KindRules {
  /** What it is, for the documentation of RUNNER. */
  readonly about: string;
  /**
   * Code of one execution can neither read nor change what another has. Otherwise all code must be trusted,
   * and all of it has one network, which cannot lead through the worker.
   */
  readonly keepsApart: boolean;
  /** Levels of isolation that it may have, the strongest first. */
  readonly levels: readonly IsolationLevelName[];
  /** The most that code has of the network when nothing is set. */
  readonly network: NetworkPolicy;
  /** Executions that one process takes at once. */
  slots(settings: { RUNNER_THREADS: number }): number;
}

export const KIND_RULES: Readonly<Record<RunnerKindName, KindRules>> = {
  process: {
    about: 'each execution has a process to itself',
    keepsApart: true,
    levels: ['namespace', 'process'],
    network: 'none',
    slots: () => 1,
  },
  thread: {
    about: 'several share one as threads; only for code you trust, see `TRUSTED_CODE`',
    keepsApart: false,
    levels: ['thread'],
    network: 'open',
    slots: ({ RUNNER_THREADS }) => RUNNER_THREADS,
  },
};
