import type { Mutation } from './scripts.js';
import { type Budget, newWorld, type World } from './world.js';

/** A world to begin from, and what may happen to it. */
export interface Scenario {
  name: string;
  world: () => World;
}

const scenario = (name: string, attempts: number[], budget: Partial<Budget>, again = false): Scenario => ({
  name,
  world: () =>
    newWorld(
      attempts.map((count, index) => ({ attempts: count, again: again && index > 0 })),
      { crashes: 0, leases: 0, retries: 0, cancels: 0, ...budget },
    ),
});

/** Small enough for every run of the tests. */
export const SMALL: readonly Scenario[] = [
  scenario('a job, and a worker dies', [1], { crashes: 1 }),
  scenario('a job of two attempts, and a worker dies', [2], { crashes: 1 }),
  scenario('a job that is retried', [1], { retries: 1 }),
  scenario('a job that is retried, and a worker dies', [1], { crashes: 1, retries: 1 }),
  scenario('two jobs of one id', [1, 1], {}),
  scenario('two jobs of one id, the second again', [1, 1], {}, true),
  scenario('three jobs of one id, two of them again', [1, 1, 1], {}, true),
  scenario('two jobs of one id, and a worker dies', [1, 1], { crashes: 1 }),
  scenario('a job of two attempts, and a worker that loses its lease', [2], { leases: 1 }),
  scenario('a job that is cancelled', [2], { cancels: 1 }),
  scenario('a job that is cancelled and retried', [1], { cancels: 1, retries: 1 }),
  scenario('a worker that loses its lease', [1], { leases: 1 }),
  scenario('a worker that loses its lease, and a retry', [1], { leases: 1, retries: 1 }),
];

/** All that happens together, in `npm run explore`. */
export const LARGE: readonly Scenario[] = [
  scenario('two workers die', [2], { crashes: 2, retries: 1 }),
  scenario('a lease is lost, a worker dies, and the job is retried', [1], {
    crashes: 1,
    leases: 1,
    retries: 1,
  }),
  scenario('a cancellation, a death and a retry', [2], { crashes: 1, cancels: 1, retries: 1 }),
  scenario('a lost lease, a cancellation and two retries', [1], { leases: 1, cancels: 1, retries: 2 }),
  scenario('two jobs of one id, a death and a retry', [1, 2], { crashes: 1, retries: 1 }),
  scenario('two jobs of one id, a lost lease and a cancellation', [1, 1], { leases: 1, cancels: 1 }),
];

/** Checks that the scripts make; without any of them something goes wrong, and an exploration finds it. */
export const MUTATIONS: readonly (Mutation & { name: string; scenario: string })[] = [
  {
    name: 'an execution is taken although it has an owner',
    scenario: 'two jobs of one id',
    script: 'BEGIN',
    from: "if known[2] and known[2] ~= '' then return {'owned', known[2]} end",
    to: '',
  },
  {
    name: 'a takeover does not check whether the owner is still the lost one',
    scenario: 'two jobs of one id, and a worker dies',
    script: 'TAKE_OVER',
    from: "if owner ~= ARGV[1] then return {'owned', owner or ''} end",
    to: '',
  },
  {
    name: 'a later result of a run replaces the first',
    scenario: 'a worker that loses its lease',
    script: 'SETTLE',
    from: "'NX', ",
    to: '',
  },
  {
    name: 'the result of an earlier run is taken for that of the current one',
    scenario: 'a worker that loses its lease, and a retry',
    script: 'SETTLE',
    from: "if known[1] and known[1] ~= ARGV[3] then return {ARGV[1], 'stale'} end",
    to: '',
  },
  {
    name: 'a worker frees an execution that another one owns',
    scenario: 'a job of two attempts, and a worker that loses its lease',
    script: 'FREE',
    from: "if known[1] ~= ARGV[1] or ARGV[4] ~= '' and (known[2] or '1') ~= ARGV[4] then return {'foreign'} end",
    to: '',
  },
  {
    name: 'a canceller ends what a worker owns',
    scenario: 'a job that is cancelled and retried',
    script: 'SETTLE_UNOWNED',
    from: "if known[4] and known[4] ~= '' or known[1] and known[1] ~= ARGV[3] then return {'owned'} end",
    to: '',
  },
  {
    name: 'a further run begins before the result is sent',
    scenario: 'two jobs of one id, the second again',
    script: 'REOPEN',
    from: "if known[2] ~= '1' then return {'unsent'} end",
    to: '',
  },
  {
    name: 'a further run begins although another has',
    scenario: 'three jobs of one id, two of them again',
    script: 'REOPEN',
    from: "if known[3] or (known[1] or '1') ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then return {'changed'} end",
    to: '',
  },
  {
    name: 'a delivery that ends is not remembered',
    scenario: 'a job that is retried',
    script: 'SETTLE',
    from: "if ARGV[4] ~= '' then addMark(fields, ARGV[4], ARGV[5], known[7], known[6]) end",
    to: '',
  },
  {
    name: 'a result does not show that another worker has started the code too',
    scenario: 'a worker that loses its lease',
    script: 'SETTLE',
    from: "local isOutdated = tonumber(known[4] or '0') > tonumber(ARGV[6])",
    to: 'local isOutdated = false',
  },
  {
    name: 'an execution ends at once although another result stands',
    scenario: 'a worker that loses its lease',
    script: 'END',
    from: "if settled[2] ~= '0' or settled[1] ~= ARGV[1] then return jsonReply({'other'}) end",
    to: '',
  },
  {
    name: 'a settled execution keeps its owner',
    scenario: 'a job, and a worker dies',
    script: 'SETTLE',
    from: "if isNew then fields = {'owner', ''} end",
    to: '',
  },
];
