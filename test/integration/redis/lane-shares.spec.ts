import { expect, it } from '@jest/globals';
import { type SharePlan, ShareSimulation } from '../../support/fairness/share-simulation.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const WEIGHTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
/** What is promised of a minute. */
const OFF = 0.05;

interface Case extends Omit<SharePlan, 'organizations'> {
  /** How long executions of an organization of this weight take, in ms. */
  msOf: (weight: number) => number;
}

const CASES: Record<string, Case> = {
  'ten times as long for odd weights, a minute': {
    msOf: (weight) => (weight % 2 === 0 ? 20 : 200),
    workers: 2,
    slots: 4,
    forMs: 60_000,
    jitter: 0.5,
    noteMs: 25,
  },
  'alike, of two slots': { msOf: () => 50, workers: 2, slots: 1, forMs: 60_000, jitter: 0.9 },
  'alike, over before a worker has said that it took them': {
    msOf: () => 5,
    workers: 2,
    slots: 4,
    forMs: 3_000,
    jitter: 0.5,
  },
};

/** With SHARES=all; each takes some seconds. */
const MORE: Record<string, Case> = {
  'ten times as long for even weights': {
    msOf: (weight) => (weight % 2 === 0 ? 200 : 20),
    workers: 2,
    slots: 4,
    forMs: 60_000,
    jitter: 0.9,
  },
  'ten times as long for small weights': {
    msOf: (weight) => (weight > 5 ? 20 : 200),
    workers: 4,
    slots: 2,
    forMs: 60_000,
    jitter: 0.5,
  },
  'ten times as long for great weights': {
    msOf: (weight) => (weight > 5 ? 200 : 20),
    workers: 1,
    slots: 8,
    forMs: 60_000,
  },
  'ten times as long for small weights, of two slots': {
    msOf: (weight) => (weight > 5 ? 5 : 50),
    workers: 1,
    slots: 2,
    forMs: 60_000,
    jitter: 0.5,
  },
  'ten times as long for small weights, and notes that come late': {
    msOf: (weight) => (weight > 5 ? 10 : 100),
    workers: 2,
    slots: 4,
    forMs: 30_000,
    jitter: 0.5,
    noteMs: 60,
  },
  'in the background': {
    msOf: (weight) => (weight % 2 === 0 ? 10 : 100),
    workers: 2,
    slots: 4,
    forMs: 30_000,
    jitter: 0.5,
    band: 'background',
  },
  'of 2 and 20 ms': {
    msOf: (weight) => (weight % 2 === 0 ? 2 : 20),
    workers: 2,
    slots: 4,
    forMs: 6_000,
    jitter: 0.5,
  },
};

it.each(Object.entries(process.env['SHARES'] === 'all' ? { ...CASES, ...MORE } : CASES))(
  'slot time is shared by weights within 5 %, from the start: executions %s',
  async (_how, { msOf, ...plan }) => {
    const organizations = WEIGHTS.map((weight) => ({ name: `t${weight}`, weight, ms: msOf(weight) }));
    const { off } = await new ShareSimulation(redis.connect(), { ...plan, organizations }).run();
    expect(Math.max(...off)).toBeLessThanOrEqual(OFF);
    expect(Math.min(...off)).toBeGreaterThanOrEqual(-OFF);
  },
  120_000,
);
