import { describe, expect, it } from '@jest/globals';
import type { PoolLimits } from './pool-limits.js';
import { IDLE_MS, planPool, type PoolAction, REFILL_PAUSE_MS } from './pool-plan.js';
import type { DemandView, PlaceView, PoolView, RunnerView } from './pool-view.js';

interface TestRunner extends RunnerView {
  name: string;
}
interface TestDemand extends DemandView {
  name: string;
}

const SINGLE: PoolLimits = {
  slots: 1,
  processes: 2,
  spares: 0,
  maxExecutions: 1,
  maxAgeMs: 1000,
  memoryMb: 100,
};
const REUSED: PoolLimits = { ...SINGLE, maxExecutions: 10 };
const THREADS: PoolLimits = { ...REUSED, slots: 2 };

const ENDED = { stuck: false, exit: null };
const place = (changes: Partial<PlaceView> = {}): PlaceView => ({
  phase: 'running',
  keep: true,
  end: ENDED,
  ...changes,
});
const aRunner = (
  name: string,
  { places = [], ...changes }: Partial<Omit<TestRunner, 'places'>> & { places?: PlaceView[] } = {},
): TestRunner => ({
  name,
  state: 'ACTIVE',
  ownsProcess: true,
  key: null,
  places: new Set(places),
  executions: 0,
  unfit: null,
  bornAtMs: 0,
  usedAtMs: 0,
  keptMemoryMb: null,
  hasPackages: true,
  ...changes,
});
/** It waits for its key. */
const idle = (name: string, key: string, usedAtMs = 0): TestRunner => aRunner(name, { key, usedAtMs });
/** A place on it has this phase. */
const taken = (name: string, key: string, ...places: PlaceView[]): TestRunner =>
  aRunner(name, { key, places });

const wants = (name: string, key = 'a'): TestDemand => ({ name, key, hasPackages: false });

const shown = (action: PoolAction<TestRunner, TestDemand>): string => {
  switch (action.do) {
    case 'start':
      return `start ${action.count}`;
    case 'hand-out':
      return `hand out ${action.runner.name} to ${action.demand.name}${action.keep ? ' and keep it' : ''}`;
    case 'refuse':
      return `refuse ${action.demand.name}: ${action.reason}`;
    case 'retire':
      return `retire ${action.runner.name}: ${action.reason}`;
    default:
      return `${action.do} ${action.runner.name}`;
  }
};

type Pool = Partial<PoolView<TestRunner, TestDemand>>;
type Row = [what: string, limits: PoolLimits, pool: Pool, actions: string[]];

const planned = (limits: PoolLimits, pool: Pool): string[] =>
  planPool<TestRunner, TestDemand>(
    {
      isOpen: true,
      runners: [],
      demands: [],
      booting: 0,
      isPaused: false,
      problem: null,
      forks: false,
      workedAtMs: 0,
      nowMs: 500,
      ...pool,
    },
    limits,
  ).map(shown);

describe('runners that are missing', () => {
  it.each<Row>([
    ['none, without spares', SINGLE, {}, []],
    ['spares', { ...SINGLE, spares: 3 }, {}, ['start 3']],
    ['less those that boot', { ...SINGLE, spares: 3 }, { booting: 2 }, ['start 1']],
    ['less those that are there', { ...SINGLE, spares: 3 }, { runners: [aRunner('r')] }, ['start 2']],
    [
      'not less a retired one',
      { ...SINGLE, spares: 1 },
      { runners: [aRunner('r', { state: 'EXITING' })] },
      ['start 1'],
    ],
    ['one for each that waits', SINGLE, { demands: [wants('x'), wants('y')] }, ['start 2']],
    ['beside spares', { ...SINGLE, spares: 1 }, { demands: [wants('x')] }, ['start 2']],
    ['one for two that wait', THREADS, { demands: [wants('x'), wants('y'), wants('z')] }, ['start 2']],
    ['too many boot: none', SINGLE, { booting: 5, demands: [wants('x')] }, []],
    [
      'idle ones do the work of spares',
      { ...REUSED, spares: 3 },
      { runners: [idle('r', 'a'), idle('s', 'b')] },
      ['start 1'],
    ],
    [
      'up to the last spare',
      { ...REUSED, spares: 2 },
      { runners: [idle('r', 'a'), idle('s', 'b')] },
      ['start 1'],
    ],
    ['none in a pause', { ...SINGLE, spares: 3 }, { isPaused: true, demands: [wants('x')] }, []],
    [
      'a pause with a problem refuses',
      SINGLE,
      { isPaused: true, problem: 'no memory', demands: [wants('x'), wants('y')] },
      ['refuse x: no memory', 'refuse y: no memory'],
    ],
    ['a problem without a pause tries', SINGLE, { problem: 'p', demands: [wants('x')] }, ['start 1']],
  ])('%s', (_what, limits, pool, actions) => expect(planned(limits, pool)).toEqual(actions));
});

describe('spares that are forked', () => {
  const limits = { ...SINGLE, spares: 3 };
  const pause = REFILL_PAUSE_MS;
  it.each<Row>([
    ['wait for a pause, beyond the first', limits, { workedAtMs: 500 - pause + 1 }, ['start 1']],
    ['while one is there, all of them', limits, { workedAtMs: 500 - pause + 1, runners: [aRunner('r')] }, []],
    ['come in a pause', limits, { workedAtMs: 500 - pause, runners: [aRunner('r')] }, ['start 2']],
    [
      'do not keep what waits from its own',
      limits,
      { workedAtMs: 500, demands: [wants('x'), wants('y')] },
      ['start 3'],
    ],
    [
      'go when there was no work for long',
      limits,
      { nowMs: IDLE_MS, runners: [aRunner('r'), aRunner('s'), idle('t', 'a'), taken('u', 'a', place())] },
      ['retire r: idle', 'retire s: idle'],
    ],
    ['and do not come then', limits, { nowMs: IDLE_MS }, []],
    ['but what waits gets its own', limits, { nowMs: IDLE_MS, demands: [wants('x')] }, ['start 4']],
  ])('%s', (_what, of, pool, actions) => expect(planned(of, { forks: true, ...pool })).toEqual(actions));

  it('stay where runners are started', () => {
    const pool = { nowMs: IDLE_MS, runners: [aRunner('r')] };
    expect(planned(limits, pool)).toEqual(['start 2']);
  });
});

describe('a place for an execution', () => {
  it.each<Row>([
    ['a spare', SINGLE, { runners: [aRunner('r')], demands: [wants('x')] }, ['hand out r to x']],
    [
      'kept when it may serve again',
      REUSED,
      { runners: [aRunner('r')], demands: [wants('x')] },
      ['hand out r to x and keep it'],
    ],
    [
      'not kept for its last execution',
      REUSED,
      { runners: [aRunner('r', { executions: 9 })], demands: [wants('x')] },
      ['hand out r to x'],
    ],
    [
      'a host is kept all the same',
      THREADS,
      { runners: [aRunner('r', { executions: 9, ownsProcess: false })], demands: [wants('x')] },
      ['hand out r to x and keep it'],
    ],
    [
      'kept for ever',
      { ...REUSED, maxExecutions: 0 },
      { runners: [aRunner('r', { executions: 9_999 })], demands: [wants('x')] },
      ['hand out r to x and keep it'],
    ],
    [
      'one of its key before a spare',
      REUSED,
      { runners: [aRunner('r'), idle('s', 'a')], demands: [wants('x', 'a')] },
      ['hand out s to x and keep it'],
    ],
    [
      'never one of another key',
      REUSED,
      { runners: [idle('s', 'b')], demands: [wants('x', 'a')] },
      ['start 1'],
    ],
    [
      'the first that waits',
      SINGLE,
      { runners: [aRunner('r')], demands: [wants('x'), wants('y')] },
      ['hand out r to x'],
    ],
    [
      'a later one when the first cannot use it',
      REUSED,
      { runners: [idle('r', 'b')], demands: [wants('x', 'a'), wants('y', 'b')] },
      ['hand out r to y and keep it'],
    ],
    [
      'a free thread beside one that is taken',
      THREADS,
      { runners: [taken('r', 'a', place())], demands: [wants('x', 'a')] },
      ['hand out r to x and keep it'],
    ],
    [
      'none on a full runner',
      THREADS,
      { runners: [taken('r', 'a', place(), place())], demands: [wants('x', 'a')] },
      ['start 1'],
    ],
    [
      'none on a runner that is recycled',
      REUSED,
      {
        runners: [aRunner('r', { state: 'PENDING_KILL', key: 'a', places: [place()] })],
        demands: [wants('x')],
      },
      ['start 1'],
    ],
    [
      'waits for one that is being cleaned, and uses up no spare',
      REUSED,
      { runners: [taken('r', 'a', place({ phase: 'cleaning' })), aRunner('s')], demands: [wants('x')] },
      [],
    ],
    [
      'one waits for it, the second gets the spare',
      REUSED,
      {
        runners: [taken('r', 'a', place({ phase: 'cleaning' })), aRunner('s')],
        demands: [wants('x'), wants('y')],
      },
      ['hand out s to y and keep it'],
    ],
    [
      'waits for none that is not kept',
      REUSED,
      {
        runners: [taken('r', 'a', place({ phase: 'cleaning', keep: false })), aRunner('s')],
        demands: [wants('x')],
      },
      ['hand out s to x and keep it'],
    ],
    [
      'waits for none of another key',
      REUSED,
      { runners: [taken('r', 'b', place({ phase: 'cleaning' })), aRunner('s')], demands: [wants('x', 'a')] },
      ['hand out s to x and keep it'],
    ],
    [
      'no spare that cannot see the packages',
      SINGLE,
      {
        runners: [aRunner('r', { hasPackages: false }), aRunner('s')],
        demands: [wants('w'), { ...wants('x'), hasPackages: true }],
      },
      ['retire r: blind'],
    ],
    [
      'it may serve what needs none',
      SINGLE,
      { runners: [aRunner('r', { hasPackages: false })], demands: [wants('x')] },
      ['hand out r to x'],
    ],
  ])('%s', (_what, limits, pool, actions) => expect(planned(limits, pool)).toEqual(actions));

  it('is looked for only when an execution waits: a blind spare stays until then', () => {
    expect(planned(SINGLE, { runners: [aRunner('r', { hasPackages: false })] })).toEqual([]);
  });
});

describe('a place that was given back', () => {
  const released = (changes: Partial<PlaceView> = {}): PlaceView => place({ phase: 'released', ...changes });
  const cleaned = (limits: PoolLimits, changes: object = {}): [PoolLimits, Pool] => [
    limits,
    { runners: [aRunner('r', { key: 'a', places: [place({ phase: 'cleaned' })], ...changes })] },
  ];

  it.each<Row>([
    ['is cleaned', REUSED, { runners: [taken('r', 'a', released())] }, ['clean r']],
    [
      'ends a runner that is not kept',
      REUSED,
      { runners: [taken('r', 'a', released({ keep: false }))] },
      ['end r', 'free r'],
    ],
    [
      'is cleaned on a host that goes on without its thread',
      THREADS,
      { runners: [aRunner('r', { key: 'a', ownsProcess: false, places: [released({ keep: false })] })] },
      ['clean r'],
    ],
    [
      'ends a runner whose execution never ended',
      REUSED,
      { runners: [taken('r', 'a', released({ end: null }))] },
      ['end r', 'free r'],
    ],
    [
      'has a host with a stuck thread take no more',
      THREADS,
      { runners: [taken('r', 'a', released({ end: { stuck: true, exit: null } }), place())] },
      ['drain r', 'free r'],
    ],
    [
      'is free at once on a runner that is ending',
      REUSED,
      { runners: [aRunner('r', { state: 'EXITING', key: 'a', places: [released()] })] },
      ['free r'],
    ],
    ['is free when it is clean', ...cleaned(REUSED), ['free r']],
    [
      'retires a runner after its last execution',
      ...cleaned(REUSED, { executions: 10 }),
      ['retire r: 10 executions', 'free r'],
    ],
    ['retires no host for that', ...cleaned(THREADS, { executions: 10, ownsProcess: false }), ['free r']],
    ['retires an old runner', ...cleaned(REUSED, { bornAtMs: -501 }), ['retire r: age', 'free r']],
    ['keeps one that is just not too old', ...cleaned(REUSED, { bornAtMs: -500 }), ['free r']],
    [
      'retires one that keeps much memory',
      ...cleaned(REUSED, { keptMemoryMb: 101 }),
      ['retire r: memory', 'free r'],
    ],
    ['keeps one that does not', ...cleaned(REUSED, { keptMemoryMb: 100 }), ['free r']],
    [
      'retires one that is unfit',
      ...cleaned(REUSED, { unfit: 'timers', executions: 10 }),
      ['retire r: timers', 'free r'],
    ],
    [
      'retires a host of single threads only when it is unfit',
      ...cleaned(SINGLE, { ownsProcess: false, bornAtMs: -9_999 }),
      ['free r'],
    ],
    ['also then', ...cleaned(SINGLE, { ownsProcess: false, unfit: 'files' }), ['retire r: files', 'free r']],
    ['retires nothing twice', ...cleaned(REUSED, { state: 'PENDING_KILL', executions: 10 }), ['free r']],
  ])('%s', (_what, limits, pool, actions) => expect(planned(limits, pool)).toEqual(actions));
});

describe('runners that are too many', () => {
  it.each<Row>([
    [
      'retire, those unused for longest first',
      REUSED,
      { runners: [idle('r', 'a', 3), idle('s', 'b', 1), idle('t', 'c', 2), idle('u', 'd', 4)] },
      ['retire s: evicted', 'retire t: evicted'],
    ],
    ['stay while the concurrency can use them', REUSED, { runners: [idle('r', 'a'), idle('s', 'b')] }, []],
    [
      'do not count what is taken',
      REUSED,
      { runners: [idle('r', 'a'), idle('s', 'b'), taken('t', 'c', place())] },
      [],
    ],
    [
      'end when they take no work and have none',
      REUSED,
      { runners: [aRunner('r', { state: 'PENDING_KILL' })] },
      ['end r'],
    ],
    [
      'end when only stuck code is on them',
      REUSED,
      { runners: [aRunner('r', { state: 'DRAINING' })] },
      ['end r'],
    ],
    [
      'do not end while healthy code is on them',
      REUSED,
      { runners: [aRunner('r', { state: 'DRAINING', places: [place()] })] },
      [],
    ],
    ['end once', REUSED, { runners: [aRunner('r', { state: 'EXITING' })] }, []],
  ])('%s', (_what, limits, pool, actions) => expect(planned(limits, pool)).toEqual(actions));
});

describe('a pool that is stopped', () => {
  it('ends and refuses everything, and starts nothing', () => {
    const pool = {
      isOpen: false,
      runners: [aRunner('r'), taken('s', 'a', place()), aRunner('t', { state: 'EXITING' })],
      demands: [wants('x')],
    };
    const stopped = 'refuse x: the runner pool was stopped';
    expect(planned({ ...SINGLE, spares: 3 }, pool)).toEqual(['end r', 'end s', stopped]);
  });

  it('frees what is given back', () => {
    const runner = aRunner('r', { state: 'EXITING', key: 'a', places: [place({ phase: 'released' })] });
    expect(planned(SINGLE, { isOpen: false, runners: [runner] })).toEqual(['free r']);
  });
});
