import type { PoolLimits } from './pool-limits.js';
import type { DemandView, PlaceView, PoolView, RunnerView } from './pool-view.js';
import { servesAgain, wearOf } from './runner-wear.js';

type PlaceOf<R extends RunnerView> = R extends RunnerView<infer P> ? P : PlaceView;

/** What the pool does next. Each one changes what the plan reads, so that it is planned once. */
export type PoolAction<R extends RunnerView = RunnerView, D extends DemandView = DemandView> =
  | { do: 'start'; count: number }
  | { do: 'hand-out'; runner: R; demand: D; keep: boolean }
  /** The execution gets no place. */
  | { do: 'refuse'; demand: D; reason: string }
  /** What the execution left is removed; then the place is `cleaned`. */
  | { do: 'clean'; runner: R; place: PlaceOf<R> }
  /** The place is no longer taken. */
  | { do: 'free'; runner: R; place: PlaceOf<R> }
  /** The runner takes no more work: code on it could not be ended. */
  | { do: 'drain'; runner: R; place: PlaceOf<R> }
  /** The runner takes no more work and is replaced. */
  | { do: 'retire'; runner: R; reason: string }
  /** The runner is killed. */
  | { do: 'end'; runner: R };

const STOPPED = 'the runner pool was stopped';

/**
 * Where runners are forked, spares beyond the first wait until no place was handed out or given back for this
 * time: their forks would take processor time from what runs, and an execution that finds no spare has its own within milliseconds.
 */
export const REFILL_PAUSE_MS = 20;
/** Where runners are forked, there are no spares after this time without work: all that they would do is hold memory. */
export const IDLE_MS = 60_000;

/**
 * What to do now, by the state of the pool alone: the first of the steps below that has something to do.
 * Do it and plan again, until there is nothing.
 *
 * 1. Of a stopped pool everything is ended and refused.
 * 2. Places that were given back are cleaned, then free; runners that are worn or broken retire.
 * 3. Waiting executions get a place: in their order, on a runner of their key before a spare.
 * 4. Of the runners that wait for their key, those unused for longest retire, beyond what the concurrency can use.
 * 5. Spares that are forked are not kept for ever where there is no work.
 * 6. A runner that takes no work is ended when no place on it is taken.
 * 7. While runners cannot be started, what waits is refused; otherwise those that are missing are started.
 */
export function planPool<R extends RunnerView, D extends DemandView>(
  pool: PoolView<R, D>,
  limits: PoolLimits,
): PoolAction<R, D>[] {
  const census = takeCensus(pool.runners);
  for (const step of pool.isOpen ? OPEN_STEPS : STOPPED_STEPS) {
    const actions = step(pool, limits, census) as PoolAction<R, D>[];
    if (actions.length > 0) return actions;
  }
  return NOTHING;
}

const NOTHING: never[] = [];

/**
 * What the steps ask of all runners, by one look at each: it is planned five times for each execution, and most plans find
 * nothing to do. Only a step that does something goes through the runners by itself.
 */
interface Census {
  /** Places that were given back and are not free yet, but for those that are being cleaned. */
  unsettled: number;
  /** See {@link isSpare}. */
  spares: number;
  /** Spares whose code cannot see package sets. */
  blind: number;
  /** See {@link isIdle}. */
  idle: number;
  /** See {@link isUnused}. */
  unused: number;
}

function takeCensus(runners: Iterable<RunnerView>): Census {
  const census: Census = { unsettled: 0, spares: 0, blind: 0, idle: 0, unused: 0 };
  for (const runner of runners) {
    for (const { phase } of runner.places)
      if (phase === 'released' || phase === 'cleaned') census.unsettled += 1;
    if (isSpare(runner)) {
      census.spares += 1;
      if (!runner.hasPackages) census.blind += 1;
    } else if (isIdle(runner)) census.idle += 1;
    else if (isUnused(runner)) census.unused += 1;
  }
  return census;
}

type Step = (pool: PoolView, limits: PoolLimits, census: Census) => PoolAction[];

const STOPPED_STEPS: readonly Step[] = [endAll, settlePlaces];
const OPEN_STEPS: readonly Step[] = [
  settlePlaces,
  retireBlind,
  handOut,
  evict,
  shed,
  endUnused,
  refuseOrStart,
];

/** It has served nothing, and may serve any key. */
const isSpare = ({ key, state }: RunnerView): boolean => key === null && state === 'ACTIVE';
/** Without work, and kept for the key that it has served. */
const isIdle = ({ key, places, state }: RunnerView): boolean =>
  key !== null && places.size === 0 && state === 'ACTIVE';

function endAll({ runners, demands }: PoolView): PoolAction[] {
  const alive = [...runners].filter(({ state }) => state !== 'EXITING');
  return [
    ...alive.map((runner): PoolAction => ({ do: 'end', runner })),
    ...demands.map((demand): PoolAction => ({ do: 'refuse', demand, reason: STOPPED })),
  ];
}

function settlePlaces({ runners, nowMs }: PoolView, limits: PoolLimits, { unsettled }: Census): PoolAction[] {
  if (unsettled === 0) return NOTHING;
  const actions: PoolAction[] = [];
  for (const runner of runners)
    for (const place of runner.places) {
      if (place.phase === 'released') actions.push(...settleReleased(runner, place));
      if (place.phase !== 'cleaned') continue;
      const reason = runner.state === 'ACTIVE' ? wearOf(runner, limits, nowMs) : null;
      if (reason !== null) actions.push({ do: 'retire', runner, reason });
      actions.push({ do: 'free', runner, place });
    }
  return actions;
}

function settleReleased(runner: RunnerView, place: PlaceView): PoolAction[] {
  const { end, keep } = place;
  if (end?.stuck)
    return [
      { do: 'drain', runner, place },
      { do: 'free', runner, place },
    ];
  if (end === null || (!keep && runner.ownsProcess))
    return [
      { do: 'end', runner },
      { do: 'free', runner, place },
    ];
  return [{ do: runner.state === 'EXITING' ? 'free' : 'clean', runner, place }];
}

/** Spares that were started before there were packages here cannot see those that came since, which some that waits needs. */
function retireBlind({ runners, demands }: PoolView, _: PoolLimits, { blind }: Census): PoolAction[] {
  if (blind === 0 || !demands.some(({ hasPackages }) => hasPackages)) return NOTHING;
  const spares = [...runners].filter((runner) => isSpare(runner) && !runner.hasPackages);
  return spares.map((runner) => ({ do: 'retire', runner, reason: 'blind' }));
}

function handOut(pool: PoolView, limits: PoolLimits): PoolAction[] {
  if (pool.demands.length === 0) return NOTHING;
  const { next } = assign(pool, limits);
  if (next === null) return NOTHING;
  const { runner, demand } = next;
  return [{ do: 'hand-out', runner, demand, keep: servesAgain(runner, limits) }];
}

interface Assignment {
  /** The first execution for which there is a place now. */
  next: { demand: DemandView; runner: RunnerView } | null;
  /** Executions for which there is none, nor one that is only being cleaned. */
  unserved: DemandView[];
}

/**
 * One that is just being cleaned is better than one that is new: it has the code, and no other is used up.
 * Each of these makes one execution of its key wait.
 */
function assign({ runners, demands }: PoolView, { slots }: PoolLimits): Assignment {
  if (demands.length === 0) return NONE_WAITS;
  const free: RunnerView[] = [];
  const cleaning: (string | null)[] = [];
  for (const runner of runners) {
    if (runner.state !== 'ACTIVE') continue;
    const { places, key } = runner;
    if (places.size < slots) free.push(runner);
    for (const place of places) if (isSoonFree(place)) cleaning.push(key);
  }
  const unserved: DemandView[] = [];
  for (const demand of demands) {
    const own = free.find(({ key }) => key === demand.key);
    const soon = cleaning.indexOf(demand.key);
    const runner = own ?? (soon < 0 ? free.find(({ key }) => key === null) : undefined);
    if (runner) return { next: { demand, runner }, unserved };
    if (soon < 0) unserved.push(demand);
    else cleaning.splice(soon, 1);
  }
  return { next: null, unserved };
}

const NONE_WAITS: Assignment = { next: null, unserved: [] };

const isSoonFree = ({ phase, keep, end }: PlaceView): boolean =>
  phase === 'cleaning' && keep && end?.exit === null;

function evict({ runners }: PoolView, { processes }: PoolLimits, { idle }: Census): PoolAction[] {
  const excessive = idle - processes;
  if (excessive <= 0) return NOTHING;
  const oldestFirst = [...runners].filter(isIdle).toSorted((a, b) => a.usedAtMs - b.usedAtMs);
  const excess = oldestFirst.slice(0, excessive);
  return excess.map((runner) => ({ do: 'retire', runner, reason: 'evicted' }));
}

function shed(pool: PoolView, _: PoolLimits, { spares: count }: Census): PoolAction[] {
  if (count === 0 || !isIdleForLong(pool)) return NOTHING;
  const spares = [...pool.runners].filter(isSpare);
  return spares.map((runner) => ({ do: 'retire', runner, reason: 'idle' }));
}

const isIdleForLong = (pool: PoolView): boolean =>
  pool.demands.length === 0 && pool.nowMs - pool.workedAtMs >= IDLE_MS && pool.forks;

function endUnused({ runners }: PoolView, _: PoolLimits, { unused }: Census): PoolAction[] {
  if (unused === 0) return NOTHING;
  return [...runners].filter(isUnused).map((runner) => ({ do: 'end', runner }));
}

const isUnused = ({ state, places }: RunnerView): boolean =>
  (state === 'DRAINING' || state === 'PENDING_KILL') && places.size === 0;

function refuseOrStart(pool: PoolView, limits: PoolLimits, { idle, spares }: Census): PoolAction[] {
  const { unserved } = assign(pool, limits);
  const problem = pool.isPaused ? pool.problem : null;
  if (pool.isPaused)
    return problem === null ? [] : unserved.map((demand) => ({ do: 'refuse', demand, reason: problem }));
  const missing = sparesNow(pool, sparesWanted(idle, limits)) - spares;
  const count = Math.max(missing, 0) + Math.ceil(unserved.length / limits.slots) - pool.booting;
  return count > 0 ? [{ do: 'start', count }] : NOTHING;
}

/** Runners that wait for their key do the work of spares, up to the last one. */
const sparesWanted = (idle: number, { spares }: PoolLimits): number =>
  Math.max(spares - idle, Math.min(spares, 1));

/** How many of these are to be there at this time. */
function sparesNow(pool: PoolView, wanted: number): number {
  if (isIdleForLong(pool)) return 0;
  const isPause = pool.nowMs - pool.workedAtMs >= REFILL_PAUSE_MS;
  return pool.forks && !isPause ? Math.min(wanted, 1) : wanted;
}
