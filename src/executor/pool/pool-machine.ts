import { Logger } from '@nestjs/common';
import type { RunnerRecord, RunnerTotals } from '../../contract/worker-record.js';
import { RunnerBootError } from '../process/runner-spawn.js';
import { BootTrouble } from './boot-trouble.js';
import type { PoolLimits } from './pool-limits.js';
import { planPool, type PoolAction } from './pool-plan.js';
import { type DemandView, LiveView, type PoolView } from './pool-view.js';
import { PooledRunner } from './pooled-runner.js';
import { RunnerLease } from './runner-lease.js';
import type { RunnerSource } from './runner-source.js';
import { WorkClock } from './work-clock.js';

interface Demand extends DemandView {
  executionId: string;
  resolve(lease: RunnerLease): void;
  reject(error: Error): void;
}

type Action = PoolAction<PooledRunner, Demand>;

/**
 * Does what pool-plan.ts says, whenever something has changed: it decides nothing itself. What it adds is the
 * waiting: boots, cleaning, ends of processes, and the pause after runners were lost (boot-trouble.ts).
 */
export class PoolMachine {
  private readonly logger = new Logger('RunnerPool');
  private readonly runners = new Set<PooledRunner>();
  private readonly demands: Demand[] = [];
  private readonly counts = { started: 0, used: 0 };
  /** Of runners that are gone, whose executions have not given them back yet. */
  private readonly awaited = new Set<RunnerLease>();
  /** Of what is under way, `close` awaits the end. */
  private readonly underWay = new Set<Promise<void>>();
  private booting = 0;
  private trouble = new BootTrouble();
  private pause: NodeJS.Timeout | null = null;
  private source: RunnerSource | null = null;
  private readonly work = new WorkClock(() => this.advance());

  /** What the plan reads: the pool as it is at that moment. */
  readonly view: PoolView<PooledRunner, Demand>;

  /** @param onChange a runner came, went or changed its state */
  constructor(
    private readonly limits: PoolLimits,
    private readonly onChange: () => void,
  ) {
    this.view = new LiveView(this.runners, this.demands, {
      isOpen: () => this.source !== null,
      booting: () => this.booting,
      isPaused: () => this.pause !== null,
      forks: () => this.source?.way.start === 'fork',
      workedAtMs: () => this.work.workedAtMs,
      problem: () => this.problem,
    });
  }

  open(source: RunnerSource): void {
    this.source = source;
    this.work.note();
    this.advance();
  }

  /** Ends every runner; resolves when nothing of them is left. */
  async close(): Promise<void> {
    this.source = null;
    this.work.stop();
    if (this.pause) clearTimeout(this.pause);
    this.pause = null;
    this.trouble = new BootTrouble();
    for (const lease of this.awaited) lease.giveBack();
    this.advance();
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  /** Why no runner is available at present; null while all is well. */
  get problem(): string | null {
    for (const { isProven, bornAtMs } of this.runners) if (isProven) this.trouble.proven(bornAtMs);
    return this.trouble.problem;
  }

  get totals(): RunnerTotals {
    return { ...this.counts };
  }

  records(): RunnerRecord[] {
    return [...this.runners].map((pooled) => pooled.record());
  }

  /** @throws {RunnerBootError} when runners cannot be started now. */
  checkout(executionId: string, key: string, hasPackages: boolean): Promise<RunnerLease> {
    return new Promise((resolve, reject) => {
      this.demands.push({ executionId, key, hasPackages, resolve, reject });
      this.advance();
    });
  }

  release(lease: RunnerLease): void {
    if (lease.phase !== 'running') return;
    lease.phase = 'released';
    lease.giveBack();
    if (this.source) this.work.note();
    this.advance();
  }

  /** Replaces every runner, or the one with this pid. @returns how many */
  recycle(pid?: number): number {
    const chosen = [...this.runners].filter(
      ({ state, runner }) => state !== 'EXITING' && (pid === undefined || runner.pid === pid),
    );
    for (const runner of chosen) this.perform({ do: 'retire', runner, reason: 'recycle' });
    this.advance();
    return chosen.length;
  }

  private advance(): void {
    let changed = false;
    for (let plan = this.plan(); plan.length > 0; plan = this.plan())
      for (const action of plan) changed = this.perform(action) || changed;
    if (changed) this.onChange();
  }

  private plan(): Action[] {
    return planPool(this.view, this.limits);
  }

  /** @returns whether the records of runners changed by it */
  private perform(action: Action): boolean {
    switch (action.do) {
      case 'start':
        for (let i = 0; i < action.count; i++) this.start(this.source as RunnerSource);
        return false;
      case 'hand-out':
        this.handOut(action);
        return false;
      case 'refuse':
        this.leave(action.demand).reject(new RunnerBootError(action.reason));
        return false;
      case 'clean':
        this.clean(action.runner, action.place);
        return false;
      case 'free':
        action.runner.free(action.place);
        if (!action.runner.runner.diedByItself) this.trouble.proven(action.runner.bornAtMs);
        return true;
      case 'drain':
        this.reportStuck(action.runner, action.place);
        action.runner.runner.standing.enter('drain');
        return true;
      case 'retire':
        this.reportRetired(action.runner, action.reason);
        action.runner.runner.standing.enter('retire');
        return true;
      case 'end':
        action.runner.runner.kill();
        return true;
    }
  }

  private handOut({ runner: pooled, demand, keep }: Extract<Action, { do: 'hand-out' }>): void {
    const { runner } = pooled;
    this.leave(demand);
    this.work.note();
    if (pooled.key === null) this.counts.used += 1;
    pooled.key = demand.key;
    try {
      const source = this.source as RunnerSource;
      const slot = source.openSlot(runner);
      const look = (): boolean => source.isUntouched(runner, slot.scratch);
      const lease = new RunnerLease(demand.executionId, slot, keep, look);
      pooled.places.add(lease);
      demand.resolve(lease);
    } catch (error) {
      runner.kill();
      demand.reject(new RunnerBootError((error as Error).message));
    }
  }

  private leave(demand: Demand): Demand {
    this.demands.splice(this.demands.indexOf(demand), 1);
    return demand;
  }

  private clean(pooled: PooledRunner, lease: RunnerLease): void {
    const cleaned = (): void => {
      if (this.limits.maxExecutions !== 1) pooled.measure();
      lease.phase = 'cleaned';
    };
    const { source } = this;
    const { scratch } = lease.slot;
    if (lease.leftNothing) {
      source?.reuse(pooled.runner, scratch);
      return cleaned();
    }
    const cleaning = source?.clear(pooled.runner, scratch) ?? null;
    if (cleaning === null) return cleaned();
    lease.phase = 'cleaning';
    this.track(
      cleaning.then(() => {
        cleaned();
        this.advance();
      }),
    );
  }

  private start(source: RunnerSource): void {
    this.booting += 1;
    const boot = source.boot().then(
      (runner) => {
        this.booting -= 1;
        this.adopt(new PooledRunner(runner), source);
      },
      (error: Error) => {
        this.booting -= 1;
        if (this.source !== source) return;
        if (!this.pause) this.trouble.bootFailed(error.message);
        this.backOff();
      },
    );
    this.track(boot);
  }

  private adopt(pooled: PooledRunner, source: RunnerSource): void {
    this.runners.add(pooled);
    this.counts.started += 1;
    this.track(pooled.runner.ended.then(() => this.bury(pooled, source)));
    if (this.source === source) this.trouble.booted();
    this.advance();
    this.onChange();
  }

  private async bury(pooled: PooledRunner, source: RunnerSource): Promise<void> {
    const { runner, places } = pooled;
    const wasBusy = places.size > 0;
    this.runners.delete(pooled);
    this.onChange();
    const cleanUp = (): Promise<void> =>
      source
        .cleanUp(runner)
        .catch((error: Error) => this.logger.warn(`scratch folder stays: ${error.message}`));
    // Artifacts may still be taken from its folder; the pool goes on meanwhile. At its end it waits for none.
    if (wasBusy && this.source === source) this.track(this.returned([...places]).then(cleanUp));
    else await cleanUp();
    if (!runner.diedByItself || wasBusy || this.source !== source) return this.advance();
    // What dies while we wait before the next boot belongs to the same incident.
    if (!this.pause) this.trouble.died(runner.exitDescription, pooled.isProven);
    this.backOff();
  }

  /** Starts nothing for a while; then as if nothing had been. */
  private backOff(): void {
    if (!this.pause) {
      const { problem, count, delayMs } = this.trouble;
      this.logger.error({ msg: 'runner lost', inARow: count, retryInMs: delayMs, problem });
      this.pause = setTimeout(() => {
        this.pause = null;
        this.advance();
      }, delayMs);
      this.pause.unref();
      this.onChange();
    }
    this.advance();
  }

  /** Resolves when each of these was given back, or the pool closes. */
  private async returned(leases: readonly RunnerLease[]): Promise<void> {
    for (const lease of leases) this.awaited.add(lease);
    await Promise.all(leases.map(({ returned }) => returned));
    for (const lease of leases) this.awaited.delete(lease);
  }

  private track(step: Promise<void>): void {
    const done = step.finally(() => this.underWay.delete(done));
    this.underWay.add(done);
  }

  private reportStuck({ runner }: PooledRunner, { executionId }: RunnerLease): void {
    this.logger.warn({ msg: 'stuck execution', executionId, runnerId: runner.id });
  }

  private reportRetired({ runner }: PooledRunner, reason: string): void {
    this.logger.debug({ msg: 'recycle', runnerId: runner.id, pid: runner.pid, reason });
  }
}
