/** How much is measured. */
export interface Plan {
  /** Rounds of each contestant in a figure; they take turns. */
  rounds: number;
  /** Rounds of figures that no target depends on. */
  fewRounds: number;
  /** Wanted length of a round. */
  roundMs: number;
  /** Jobs of the first round, which is not counted. */
  warmJobs: number;
  /** Latency: jobs a round, and jobs a second. */
  latencyJobs: number;
  perSecond: number;
  concurrencies: readonly number[];
  backlogs: readonly number[];
  moduleCounts: readonly number[];
}

export const FULL: Plan = {
  rounds: 9,
  fewRounds: 3,
  roundMs: 900,
  warmJobs: 300,
  latencyJobs: 30,
  perSecond: 10,
  concurrencies: [8, 1, 32],
  backlogs: [1_000, 10_000, 100_000],
  moduleCounts: [10, 1_000, 10_000],
};

/** Only shows that everything works. */
export const SMOKE: Plan = {
  rounds: 1,
  fewRounds: 1,
  roundMs: 50,
  warmJobs: 10,
  latencyJobs: 3,
  perSecond: 50,
  concurrencies: [2],
  backlogs: [20, 40],
  moduleCounts: [10, 40],
};
