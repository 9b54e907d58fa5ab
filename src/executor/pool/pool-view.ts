import type { ProcessState } from '../../contract/worker-record.js';

/**
 * running    an execution has it
 * released   it was given back; what becomes of it is to be decided
 * cleaning   what the execution left is being removed
 * cleaned    it may serve again, if its runner may
 */
export type PlacePhase = 'running' | 'released' | 'cleaning' | 'cleaned';

/** One place of a runner, from being handed out until it is free again. */
export interface PlaceView {
  readonly phase: PlacePhase;
  /** The runner may serve another execution after this one. */
  readonly keep: boolean;
  /** How the execution left it; `exit` null: its process or thread lives. Null: the execution never ended. */
  readonly end: { readonly stuck: boolean; readonly exit: object | null } | null;
}

/** What the plan reads of one runner. */
export interface RunnerView<P extends PlaceView = PlaceView> {
  readonly state: ProcessState;
  /** Only one execution at a time is on it, and it is the process that is worn by executions. */
  readonly ownsProcess: boolean;
  /** What it has served, and may serve alone: see `runnerKey`. Null: nothing yet, it is a spare. */
  readonly key: string | null;
  /** Those that are not free. */
  readonly places: Iterable<P> & { readonly size: number };
  /** Executions started on it so far. */
  readonly executions: number;
  /** Why it must not serve again, by what was seen of it; null: it may. */
  readonly unfit: string | null;
  /** Monotonic. */
  readonly bornAtMs: number;
  /** When a place on it became free last, monotonic. */
  readonly usedAtMs: number;
  /** What its process kept after its last execution; null: not measured. */
  readonly keptMemoryMb: number | null;
  /** Its code can see package sets. */
  readonly hasPackages: boolean;
}

/** An execution that waits for a place. */
export interface DemandView {
  readonly key: string;
  /** Its code has a package set. */
  readonly hasPackages: boolean;
}

/** The whole of what the plan reads. */
export interface PoolView<R extends RunnerView = RunnerView, D extends DemandView = DemandView> {
  /** The pool was started, and not stopped since. */
  readonly isOpen: boolean;
  readonly runners: Iterable<R>;
  /** Executions that wait, in the order they came. */
  readonly demands: readonly D[];
  /** Runners that are being started. */
  readonly booting: number;
  /** Nothing is started for a while, after runners were lost. */
  readonly isPaused: boolean;
  /** Why executions should go elsewhere; null: they need not. */
  readonly problem: string | null;
  /** Runners are forked: one is there within milliseconds, and costs little. */
  readonly forks: boolean;
  /** When a place was last handed out or given back, monotonic. */
  readonly workedAtMs: number;
  readonly nowMs: number;
}

/** What of the pool is asked for at the moment that it is needed. */
type PoolFacts = {
  readonly [
    Name in 'isOpen' | 'booting' | 'isPaused' | 'forks' | 'workedAtMs' | 'problem'
  ]: () => PoolView[Name];
};

/** The pool as it is whenever a plan looks: one for all plans, of which there are several for each execution. */
export class LiveView<R extends RunnerView, D extends DemandView> implements PoolView<R, D> {
  constructor(
    readonly runners: Iterable<R>,
    readonly demands: readonly D[],
    private readonly now: PoolFacts,
  ) {}

  get isOpen(): boolean {
    return this.now.isOpen();
  }

  get booting(): number {
    return this.now.booting();
  }

  get isPaused(): boolean {
    return this.now.isPaused();
  }

  get forks(): boolean {
    return this.now.forks();
  }

  get workedAtMs(): number {
    return this.now.workedAtMs();
  }

  get problem(): string | null {
    return this.now.problem();
  }

  get nowMs(): number {
    return performance.now();
  }
}
