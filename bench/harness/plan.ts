import type { Workload } from './workloads.ts';

/** How much is measured. */
export interface Plan {
  /** Rounds of each contestant in a figure; they take turns. */
  rounds: number;
  /** Rounds of figures that no target depends on. */
  fewRounds: number;
  /** Wanted length of a round. */
  roundMs: number;
  /** The same of figures that no target depends on. */
  shortRoundMs: number;
  /** Jobs of the first round, which is not counted. */
  warmJobs: number;
  /** Jobs from which the length of a round is guessed. */
  firstJobs: number;
  /** Latency: jobs a round, and jobs a second. */
  latencyJobs: number;
  perSecond: number;
  /** Jobs over which commands to Redis are counted. */
  countedJobs: number;
  concurrencies: readonly number[];
  /** Beside the no-op. */
  workloads: readonly Workload[];
  backlogs: readonly number[];
  moduleCounts: readonly number[];
  /** Executions at once where backlogs and workspaces grow. */
  growthConcurrency: number;
}

export const FULL: Plan = {
  rounds: 7,
  fewRounds: 3,
  roundMs: 900,
  shortRoundMs: 400,
  warmJobs: 300,
  firstJobs: 20,
  latencyJobs: 20,
  perSecond: 10,
  countedJobs: 200,
  concurrencies: [8, 1, 32],
  workloads: ['cpu', 'sleep', 'imports', 'prints'],
  backlogs: [1_000, 10_000, 100_000],
  moduleCounts: [10, 1_000, 10_000],
  growthConcurrency: 8,
};

/** Only shows that everything works. */
export const SMOKE: Plan = {
  rounds: 1,
  fewRounds: 1,
  roundMs: 50,
  shortRoundMs: 50,
  warmJobs: 0,
  firstJobs: 2,
  latencyJobs: 3,
  perSecond: 50,
  countedJobs: 5,
  concurrencies: [1],
  workloads: ['prints'],
  backlogs: [10, 20],
  moduleCounts: [10, 20],
  growthConcurrency: 1,
};
