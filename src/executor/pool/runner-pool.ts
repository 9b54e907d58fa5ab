import { Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type RunnerSettings, runnerSettings } from '../../config/slices.js';
import type { RunnerRecord, RunnerTotals } from '../../contract/worker-record.js';
import { poolLimitsOf } from './pool-limits.js';
import { PoolMachine } from './pool-machine.js';
import { RunnerFactory } from './runner-factory.js';
import type { RunnerLease } from './runner-lease.js';

/**
 * The runner processes of this worker. What it does is planned in pool-plan.ts and done in pool-machine.ts.
 *
 * 1. Spares are booted ahead, so that an execution need not wait for a process to start.
 * 2. A runner that has served one key (organization, generation, package set) serves only that key.
 *    Idle ones are kept for their key, as many as the concurrency needs; the longest unused go first.
 * 3. A runner leaves ACTIVE when it is worn, unfit, recycled or holds a stuck thread. It then takes no
 *    work, lets what is healthy finish, and is killed as soon as nothing healthy is left on it.
 * 4. When runners cannot be started, or die idle, they are replaced with back-off; while that is a
 *    problem (boot-trouble.ts), waiting executions are refused at once.
 */
@Injectable()
export class RunnerPool {
  private readonly listeners = new Set<() => void>();
  private readonly machine: PoolMachine;
  private factory: RunnerFactory | null = null;
  /** Starts and stops happen one after the other, in the order they were asked for. */
  private transition: Promise<void> = Promise.resolve();

  constructor(@InjectSettings(runnerSettings) private readonly settings: RunnerSettings) {
    this.machine = new PoolMachine(poolLimitsOf(settings), () => {
      for (const listener of this.listeners) listener();
    });
  }

  /** Prepares the runtime folder and begins to boot spares. */
  start(): Promise<void> {
    return this.next(async () => {
      if (this.factory) return;
      this.factory = await RunnerFactory.open(this.settings);
      this.machine.open(this.factory);
    });
  }

  /** Kills every runner and removes everything of them from the disk. */
  stop(): Promise<void> {
    return this.next(async () => {
      const { factory } = this;
      if (!factory) return;
      this.factory = null;
      await this.machine.close();
      await factory.close();
    });
  }

  /** Why no runner is available at present; null while the pool is well. */
  get problem(): string | null {
    return this.machine.problem;
  }

  readonly factoryInUse = () => this.factory;

  /** Calls back whenever a runner comes, goes or changes its state. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /**
   * Takes a place for one execution; give it back with `release`.
   * @param key what the runner may have served before, see `runnerKey`
   * @param hasPackages its code has a package set
   * @throws {RunnerBootError} when runners cannot be started now.
   */
  checkout(executionId: string, key: string, hasPackages: boolean): Promise<RunnerLease> {
    return this.machine.checkout(executionId, key, hasPackages);
  }

  /** Ends the use of a place; the runner is replaced, or cleaned and kept. */
  release(lease: RunnerLease): void {
    this.machine.release(lease);
  }

  /** Replaces every runner, or the one with this pid: idle ones at once, busy ones after what they run. */
  recycle(pid?: number): number {
    return this.machine.recycle(pid);
  }

  /** Of all runner processes since the start of the worker. */
  get totals(): RunnerTotals {
    return this.machine.totals;
  }

  records(): RunnerRecord[] {
    return this.machine.records();
  }

  private next(step: () => Promise<void>): Promise<void> {
    const done = this.transition.then(step);
    this.transition = done.catch(() => undefined);
    return done;
  }
}
