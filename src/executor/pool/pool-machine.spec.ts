import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { RUNNER_KINDS, type RunnerKindName, type RunnerStart } from '../../contract/confinement.js';
import { KINDS } from '../kinds/registry.js';
import type { Slot } from '../kinds/slot.js';
import type { RunnerProcess } from '../process/runner-process.js';
import { RunnerStanding } from '../process/runner-standing.js';
import type { PoolLimits } from './pool-limits.js';
import { PoolMachine } from './pool-machine.js';
import { IDLE_MS, planPool } from './pool-plan.js';
import type { RunnerLease } from './runner-lease.js';
import type { RunnerSource } from './runner-source.js';

const SEED = 20_261_128;
const WALKS = 80;
const STEPS = 60;
/** Turns of the queue of promises until everything that is settled has had its effect. */
const TURNS = 12;

Logger.overrideLogger(false);

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A runner without a process: the walk says when it ends. */
class FakeRunner {
  readonly standing = new RunnerStanding();
  readonly kind;
  readonly place;
  readonly probe = { memoryMb: () => 50, rest: () => ({ memoryMb: 50 }) };
  readonly bornAtMs = performance.now();
  readonly ended: Promise<void>;
  readonly exitDescription = '(SIGKILL)';
  /** Keys of the executions that had a place on it. */
  readonly keys = new Set<string>();
  diedByItself = false;
  isGone = false;
  executions = 0;
  unfit: string | null = null;
  private resolveEnd: () => void = () => undefined;

  constructor(
    readonly pid: number,
    kind: RunnerKindName,
    hasPackages: boolean,
  ) {
    this.kind = KINDS[kind];
    this.place = { hasPackages };
    this.ended = new Promise((resolve) => (this.resolveEnd = resolve));
  }

  get id(): string {
    return `r${this.pid}`;
  }

  get state() {
    return this.standing.state;
  }

  kill(): void {
    this.standing.enter('end');
  }

  /** The process is gone: by its own doing unless it was killed before. */
  end(): void {
    this.diedByItself = this.state !== 'EXITING';
    this.kill();
    this.isGone = true;
    this.resolveEnd();
  }
}

interface Boot {
  resolve(runner: RunnerProcess): void;
  reject(error: Error): void;
}

/** An execution, from its wish for a place on. */
interface TestExecution {
  key: string;
  lease: RunnerLease | null;
  /** Its place was refused. */
  error: Error | null;
  /** Its place was given back. */
  isOver: boolean;
}

/** The world around a pool: boots, processes, cleaning, executions. */
class World implements RunnerSource {
  readonly runners: FakeRunner[] = [];
  readonly executions: TestExecution[] = [];
  readonly boots: Boot[] = [];
  readonly cleanings: (() => void)[] = [];
  readonly machine: PoolMachine;
  private cleanedUp = 0;
  private havePackages = false;
  private slowCleaning = false;
  /** Executions leave their folder as it was. */
  leavesNothing = false;
  cleared = 0;
  reused = 0;
  private opensFail = false;

  constructor(
    readonly kind: RunnerKindName,
    readonly limits: PoolLimits,
    readonly way: RunnerSource['way'],
  ) {
    this.machine = new PoolMachine(limits, () => undefined);
    this.machine.open(this);
  }

  boot(): Promise<RunnerProcess> {
    return new Promise((resolve, reject) => this.boots.push({ resolve, reject }));
  }

  openSlot(process: RunnerProcess): Slot {
    if (this.opensFail) throw new Error('no folder');
    return { runner: process, scratch: '/nowhere', end: null } as unknown as Slot;
  }

  isUntouched(): boolean {
    return this.leavesNothing;
  }

  reuse(): void {
    this.reused += 1;
  }

  clear(): Promise<void> | null {
    this.cleared += 1;
    return this.slowCleaning ? new Promise((resolve) => this.cleanings.push(resolve)) : null;
  }

  cleanUp(): Promise<void> {
    this.cleanedUp += 1;
    return Promise.resolve();
  }

  get alive(): FakeRunner[] {
    return this.runners.filter(({ isGone }) => !isGone);
  }

  get running(): TestExecution[] {
    return this.executions.filter(({ lease, isOver }) => lease !== null && !isOver);
  }

  get waiting(): TestExecution[] {
    return this.executions.filter(({ lease, error }) => lease === null && error === null);
  }

  checkout(key: string): void {
    const execution: TestExecution = { key, lease: null, error: null, isOver: false };
    this.executions.push(execution);
    this.machine.checkout(`e-${this.executions.length}`, key, this.havePackages).then(
      (lease) => {
        execution.lease = lease;
        fakeOf(lease).executions += 1;
        fakeOf(lease).keys.add(key);
      },
      (error: Error) => (execution.error = error),
    );
  }

  release({ lease }: TestExecution, end: { stuck: boolean; exit: object | null } | null): void {
    if (lease === null) return;
    lease.slot.end = end as Slot['end'];
    this.machine.release(lease);
  }

  /** Its runners are forked, and there has been no work for long. */
  private get isIdle(): boolean {
    const { nowMs, workedAtMs, demands } = this.machine.view;
    return this.way.start === 'fork' && demands.length === 0 && nowMs - workedAtMs >= IDLE_MS;
  }

  /** One step, whichever of them `what` and `which` choose. */
  step(what: number, which: number): void {
    const one = <T>(list: readonly T[]): T | undefined => list[which % list.length];
    switch (what) {
      case 0:
      case 1:
      case 2:
        return this.checkout(['a', 'b', 'c'][which % 3] as string);
      case 3:
      case 4:
      case 5:
        return this.finish(one(this.running), which);
      case 6:
      case 7:
      case 8:
        return this.booted(which);
      case 9:
        return this.boots.splice(which % 7, 1)[0]?.reject(new Error('no process'));
      case 10:
        return one(this.alive)?.end();
      case 11:
      case 12:
        return one(this.alive.filter(({ state }) => state === 'EXITING'))?.end();
      case 13:
        return this.cleanings.shift()?.();
      case 14:
        this.machine.recycle(which % 4 === 0 ? undefined : one(this.alive)?.pid);
        return;
      case 15:
        this.slowCleaning = !this.slowCleaning;
        return;
      case 16:
        this.havePackages = !this.havePackages;
        // The next execution finds that out.
        return this.checkout('a');
      case 17:
        // What is run there is ended by its supervision.
        one(this.running.map(({ lease }) => fakeOf(lease as RunnerLease)))?.kill();
        return;
      case 18:
        this.opensFail = which % 5 === 0;
        return;
      default:
        jest.advanceTimersByTime(which * (which > 50 ? 2000 : 100));
    }
  }

  private finish(execution: TestExecution | undefined, which: number): void {
    if (!execution) return;
    const runner = fakeOf(execution.lease as RunnerLease);
    execution.isOver = true;
    if (which % 10 === 0) runner.unfit = 'timers';
    if (which % 10 === 1) return this.release(execution, null);
    if (which % 10 === 2 && this.kind === 'thread')
      return this.release(execution, { stuck: true, exit: null });
    const exit = this.kind === 'thread' && which % 10 === 3 ? {} : null;
    this.release(execution, { stuck: false, exit });
  }

  private booted(which: number): void {
    const boot = this.boots.splice(which % Math.max(this.boots.length, 1), 1)[0];
    if (!boot) return;
    const runner = new FakeRunner(this.runners.length + 2, this.kind, this.havePackages);
    this.runners.push(runner);
    boot.resolve(runner as unknown as RunnerProcess);
  }

  /** Promises are settled, and no time passes. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
  }

  /** What must hold at any time. */
  check(): void {
    const { machine, limits, alive, running } = this;
    const { view } = machine;
    // Nothing that was planned is left undone.
    expect(planPool(view, limits)).toEqual([]);
    // A runner that has not ended is one of the pool, and the other way round.
    const owned = [...view.runners].map(({ runner }) => (runner as unknown as FakeRunner).id);
    expect(owned.toSorted()).toEqual(alive.map(({ id }) => id).toSorted());
    // Its folder stays until each execution on it has given its place back.
    const inUse = new Set(running.map(({ lease }) => fakeOf(lease as RunnerLease)));
    const over = this.runners.filter((runner) => runner.isGone && !inUse.has(runner));
    expect(this.cleanedUp).toBe(over.length);
    expect(view.booting).toBe(this.boots.length);
    for (const runner of this.runners) expect(runner.keys.size).toBeLessThanOrEqual(1);
    // A place serves one execution, on a runner with no more executions than it has places.
    expect(new Set(running.map(({ lease }) => lease)).size).toBe(running.length);
    for (const { places, state, key } of view.runners) {
      expect(places.size).toBeLessThanOrEqual(limits.slots);
      if (key === null) expect(places.size).toBe(0);
      if (places.size === 0) expect(['ACTIVE', 'EXITING']).toContain(state);
    }
    this.checkSizes();
  }

  private checkSizes(): void {
    const { limits, waiting } = this;
    const { runners, booting, isPaused, problem } = this.machine.view;
    const active = [...runners].filter(({ state }) => state === 'ACTIVE');
    const idle = active.filter(({ key, places }) => key !== null && places.size === 0).length;
    const spares = active.filter(({ key }) => key === null).length;
    expect(idle).toBeLessThanOrEqual(limits.processes);
    expect(this.machine.view.demands.length).toBe(waiting.length);
    if (isPaused) {
      // What would wait for nothing is refused.
      const cleaning = active
        .flatMap(({ places }) => [...places])
        .filter(({ phase }) => phase === 'cleaning');
      if (problem !== null) expect(waiting.length).toBeLessThanOrEqual(cleaning.length);
      return;
    }
    // No execution waits for a runner that is not being started, and spares are ready or on their way.
    const served = cleaningFor(waiting, active);
    expect(booting).toBeGreaterThanOrEqual(Math.ceil((waiting.length - served) / limits.slots));
    const fewest = this.isIdle ? 0 : 1;
    expect(spares + booting).toBeGreaterThanOrEqual(Math.min(limits.spares, fewest));
    if (this.isIdle) expect(spares).toBe(0);
  }
}

/** At most this many of the executions that wait may wait for a place that is being cleaned. */
const cleaningFor = (
  waiting: readonly TestExecution[],
  active: readonly { key: string | null; places: Iterable<RunnerLease> }[],
): number => {
  const cleaning = active.flatMap(({ key, places }) =>
    [...places].filter(({ phase }) => phase === 'cleaning').map(() => key),
  );
  return ['a', 'b', 'c'].reduce(
    (sum, key) =>
      sum +
      Math.min(
        waiting.filter((execution) => execution.key === key).length,
        cleaning.filter((other) => other === key).length,
      ),
    0,
  );
};

const fakeOf = (lease: RunnerLease): FakeRunner => lease.slot.runner as unknown as FakeRunner;

const limitsOf = (kind: RunnerKindName): fc.Arbitrary<PoolLimits> =>
  fc.record({
    slots: fc.constant(kind === 'thread' ? 3 : 1),
    processes: fc.integer({ min: 1, max: 3 }),
    spares: fc.nat({ max: 3 }),
    maxExecutions: fc.constantFrom(0, 1, 2, 5),
    maxAgeMs: fc.constantFrom(1000, 1_000_000),
    memoryMb: fc.constantFrom(10, 100),
  });

const startsOf = (kind: RunnerKindName): RunnerStart[] =>
  kind === 'process' ? ['spawn', 'fork'] : ['spawn'];

/** Most runners that a step may have had started: what the limits say, and one for each that waits. */
const mostStarted = (world: World): number => world.limits.spares + world.waiting.length;

it.each(RUNNER_KINDS)('random walks of a pool of the kind %s keep every invariant', async (kind) => {
  const step = fc.tuple(fc.nat({ max: 19 }), fc.nat({ max: 60 }));
  const walk = fc.array(step, { minLength: STEPS / 2, maxLength: STEPS });
  const handedOut = { places: 0, again: 0 };
  await fc.assert(
    fc.asyncProperty(
      limitsOf(kind),
      fc.constantFrom(...startsOf(kind)),
      walk,
      async (limits, start, steps) => {
        const world = new World(kind, limits, { start });
        await world.settle();
        for (const [what, which] of steps) {
          const before = world.boots.length;
          world.step(what, which);
          await world.settle();
          if (world.boots.length > before) expect(world.boots.length).toBeLessThanOrEqual(mostStarted(world));
          world.check();
        }
        await closes(world);
        const counts = world.runners.map(({ executions }) => executions);
        handedOut.places += counts.reduce((sum, count) => sum + count, 0);
        handedOut.again += counts.filter((count) => count > 1).length;
      },
    ),
    { seed: SEED, numRuns: WALKS, endOnFailure: true },
  );
  // The walks went where the invariants mean something.
  expect(handedOut.places).toBeGreaterThan(WALKS);
  expect(handedOut.again).toBeGreaterThan(WALKS / 10);
});

/** A pool that stops ends every runner, also those that are booting, and refuses every execution. */
async function closes(world: World): Promise<void> {
  let isClosed = false;
  const closing = world.machine.close().then(() => (isClosed = true));
  await world.settle();
  expect(world.waiting).toEqual([]);
  while (world.boots.length > 0) world.step(6, 0);
  await world.settle();
  expect(world.alive.map(({ state }) => state).filter((state) => state !== 'EXITING')).toEqual([]);
  expect(isClosed).toBe(world.alive.length === 0 && world.cleanings.length === 0);
  for (const runner of world.alive) runner.end();
  for (const done of world.cleanings.splice(0)) done();
  await closing;
  expect(world.machine.records()).toEqual([]);
}

it('cleans a place only where the execution may have left something, and looks once', async () => {
  const limits = { slots: 1, processes: 1, spares: 0, maxExecutions: 0, maxAgeMs: 1_000_000, memoryMb: 100 };
  const world = new World('process', limits, { start: 'spawn' });
  const serve = async (leavesNothing: boolean): Promise<void> => {
    world.leavesNothing = leavesNothing;
    world.checkout('a');
    await world.settle();
    if (world.boots.length > 0) world.step(6, 0);
    await world.settle();
    const execution = world.running[0] as TestExecution;
    // What the folder is after this look does not matter.
    expect(execution.lease?.leftNothing).toBe(leavesNothing);
    world.leavesNothing = !leavesNothing;
    execution.isOver = true;
    world.release(execution, { stuck: false, exit: null });
    await world.settle();
    world.check();
  };
  await world.settle();
  await serve(true);
  expect([world.cleared, world.reused]).toEqual([0, 1]);
  await serve(false);
  expect([world.cleared, world.reused]).toEqual([1, 1]);
  await closes(world);
});
