import { Injectable, Logger } from '@nestjs/common';
import { waitAtMost } from '../../lib/time-limit.js';
import { capacityOf } from '../../config/capacity.js';
import { InjectSettings } from '../../config/config.module.js';
import type { Settings } from '../../config/settings.js';
import type { RunnerRecord, RunnerTotals } from '../../contract/worker-record.js';
import { BootTrouble } from './boot-trouble.js';
import { blindSpares, PooledRunner, type RecycleRules } from './pooled-runner.js';
import { idleExcess, sparesWanted } from './pool-size.js';
import { RunnerFactory } from './runner-factory.js';
import { type RunnerLease, slotOn } from './runner-lease.js';
import { RunnerBootError } from '../process/runner-spawn.js';
import { WaitingList } from './waiting-list.js';

const STOP_TIMEOUT_MS = 3_000;

interface TakenPlace {
  pooled: PooledRunner;
  lease: RunnerLease;
}

/**
 * The runner processes of this worker.
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
  private readonly logger = new Logger(RunnerPool.name);
  private readonly live = new Set<PooledRunner>();
  private readonly waiting = new WaitingList<TakenPlace>();
  private readonly counts = { started: 0, used: 0 };
  private readonly cleanups = new Set<Promise<void>>();
  private readonly listeners = new Set<() => void>();
  private readonly rules: RecycleRules;
  private booting = 0;
  private trouble = new BootTrouble();
  private retry: NodeJS.Timeout | null = null;
  private factory: RunnerFactory | null = null;
  /** Starts and stops happen one after the other, in the order they were asked for. */
  private transition: Promise<void> = Promise.resolve();

  constructor(@InjectSettings() private readonly settings: Settings) {
    this.rules = {
      maxExecutions: settings.RUNNER_MAX_EXECUTIONS,
      maxAgeMs: settings.RUNNER_MAX_AGE_SECONDS * 1000,
      memoryMb: settings.RUNNER_RECYCLE_MEMORY_MB,
    };
  }

  /** Prepares the runtime folder and begins to boot spares. */
  start(): Promise<void> {
    return this.next(async () => {
      if (this.factory) return;
      this.factory = await RunnerFactory.open(this.settings);
      this.replenish();
    });
  }

  /** Kills every runner and removes everything of them from the disk. */
  stop(): Promise<void> {
    return this.next(async () => {
      const { factory } = this;
      if (!factory) return;
      this.factory = null;
      if (this.retry) clearTimeout(this.retry);
      this.retry = null;
      this.trouble = new BootTrouble();
      this.waiting.refuse(new RunnerBootError('the runner pool was stopped'));
      for (const { runner } of this.live) runner.kill();
      await waitAtMost(Promise.all([...this.live].map(({ runner }) => runner.ended)), STOP_TIMEOUT_MS);
      while (this.cleanups.size > 0) await Promise.all(this.cleanups);
      await factory.close();
    });
  }

  /** Why no runner is available at present; null while the pool is well. */
  get problem(): string | null {
    for (const { isProven, runner } of this.live) if (isProven) this.trouble.proven(runner.bornAtMs);
    return this.trouble.problem;
  }

  readonly factoryInUse = () => this.factory;

  /** Calls back whenever a runner comes, goes or changes its state. */
  onChange(listener: () => void): void {
    this.listeners.add(listener);
  }

  /**
   * Takes a place for one execution; give it back with `release`.
   * @param key what the runner may have served before, see `runnerKey`
   * @throws {RunnerBootError} when runners cannot be started now.
   */
  async checkout(executionId: string, key: string): Promise<RunnerLease> {
    // One that is just being cleaned is better than one that is new: it has the code, and no other is used up.
    const cleaned = [...this.live].find((pooled) => pooled.soonTakes(key));
    if (cleaned && !this.pick(key)?.key) await cleaned.settling;
    const { pooled, lease } = this.take(executionId, key) ?? (await this.nextFor(executionId, key));
    this.replenish();
    try {
      if (!this.factory) throw new RunnerBootError('the runner pool was stopped');
      lease.slot = slotOn(pooled.runner, this.factory.scratches.open(pooled.runner));
      return lease;
    } catch (error) {
      pooled.leases.delete(lease);
      pooled.runner.kill();
      throw new RunnerBootError((error as Error).message);
    }
  }

  /** Ends the use of a place; the runner is replaced, or cleaned and kept. */
  release(lease: RunnerLease): void {
    const cleanup = this.settle(lease).finally(() => this.cleanups.delete(cleanup));
    this.cleanups.add(cleanup);
    const pooled = [...this.live].find(({ leases }) => leases.has(lease));
    if (pooled) pooled.settling = cleanup;
  }

  /** Replaces every runner, or the one with this pid: idle ones at once, busy ones after what they run. */
  recycle(pid?: number): number {
    const chosen = [...this.live].filter(
      ({ runner }) => runner.state !== 'EXITING' && (pid === undefined || runner.pid === pid),
    );
    for (const pooled of chosen) this.retire(pooled, 'recycle');
    this.replenish();
    return chosen.length;
  }

  /** Of all runner processes since the start of the worker. */
  get totals(): RunnerTotals {
    return { ...this.counts };
  }

  records(): RunnerRecord[] {
    return [...this.live].map((pooled) => pooled.record());
  }

  private next(step: () => Promise<void>): Promise<void> {
    const done = this.transition.then(step);
    this.transition = done.catch(() => undefined);
    return done;
  }

  private async settle(lease: RunnerLease): Promise<void> {
    const pooled = [...this.live].find(({ leases }) => leases.has(lease));
    if (!pooled) return;
    const { runner } = pooled;
    const end = lease.slot.end;
    if (end?.stuck) {
      this.logger.warn({ msg: 'stuck execution', executionId: lease.executionId, runnerId: runner.id });
      if (runner.state === 'ACTIVE') runner.state = 'DRAINING';
    } else if (end === null || (!lease.keep && runner.kind.ownsProcess)) runner.kill();
    else if (runner.state !== 'EXITING') {
      await this.factory?.scratches.clear(runner, lease.slot.scratch);
      const worn = this.settings.RUNNER_MAX_EXECUTIONS === 1 ? runner.unfit : pooled.worn;
      if (worn !== null && runner.state === 'ACTIVE') this.retire(pooled, worn);
    }
    pooled.leases.delete(lease);
    pooled.served = true;
    if (!runner.diedByItself) this.trouble.proven(runner.bornAtMs);
    pooled.usedAtMs = performance.now();
    if (pooled.leases.size === 0 && runner.state !== 'ACTIVE') runner.kill();
    this.serve();
    this.evict();
    this.changed();
  }

  private retire(pooled: PooledRunner, reason: string): void {
    const { runner, leases } = pooled;
    this.logger.debug({ msg: 'recycle', runnerId: runner.id, pid: runner.pid, reason });
    runner.state = 'PENDING_KILL';
    if (leases.size === 0) runner.kill();
    this.changed();
  }

  private pick(key: string): PooledRunner | undefined {
    for (const spare of blindSpares(this.live, this.settings)) this.retire(spare, 'blind');
    const free = [...this.live].filter((pooled) => pooled.takes(key));
    return free.find((pooled) => pooled.key === key) ?? free[0];
  }

  /** Takes a free place at once, before another execution can. */
  private take(executionId: string, key: string): TakenPlace | null {
    const pooled = this.pick(key);
    if (!pooled) return null;
    const startedAt = new Date().toISOString();
    // The slot is made when its folder is there; nothing reads the lease before.
    const lease = { executionId, startedAt, keep: pooled.servesAgain } as RunnerLease;
    if (pooled.key === null) this.counts.used += 1;
    pooled.key = key;
    pooled.leases.add(lease);
    return { pooled, lease };
  }

  private nextFor(executionId: string, key: string): Promise<TakenPlace> {
    if (!this.factory) return Promise.reject(new RunnerBootError('the runner pool was stopped'));
    const { problem } = this;
    if (this.retry && problem !== null) return Promise.reject(new RunnerBootError(problem));
    const place = this.waiting.enter(executionId, key);
    this.replenish();
    return place;
  }

  /** Gives free places to waiting executions, in their order. */
  private serve(): void {
    this.waiting.serve((executionId, key) => this.take(executionId, key));
    this.replenish();
  }

  private get idle(): PooledRunner[] {
    return [...this.live].filter((pooled) => pooled.isIdle);
  }

  /** Of runners that wait for their key, no more are kept than the concurrency needs. */
  private evict(): void {
    const oldestFirst = this.idle.toSorted((a, b) => a.usedAtMs - b.usedAtMs);
    for (const pooled of oldestFirst.slice(0, idleExcess(this.settings, oldestFirst.length)))
      this.retire(pooled, 'evicted');
  }

  private replenish(): void {
    if (!this.factory || this.retry) return;
    const spares = [...this.live].filter((pooled) => pooled.isSpare).length;
    const { slots } = capacityOf(this.settings);
    const missing = sparesWanted(this.settings, this.idle.length) - spares;
    const wanted = Math.max(missing, 0) + Math.ceil(this.waiting.length / slots);
    while (this.booting < wanted) void this.bootOne(this.factory);
  }

  private async bootOne(factory: RunnerFactory): Promise<void> {
    this.booting += 1;
    const boot = factory.boot().then(
      (runner) => {
        this.booting -= 1;
        this.adopt(new PooledRunner(runner, this.rules), factory);
      },
      (error: Error) => {
        this.booting -= 1;
        if (this.factory !== factory) return;
        if (!this.retry) this.trouble.bootFailed(error.message);
        this.backOff();
      },
    );
    this.cleanups.add(boot);
    await boot;
    this.cleanups.delete(boot);
  }

  private adopt(pooled: PooledRunner, factory: RunnerFactory): void {
    const { runner } = pooled;
    this.live.add(pooled);
    this.counts.started += 1;
    const cleanup = runner.ended.then(async () => {
      this.live.delete(pooled);
      this.changed();
      await factory
        .cleanUp(runner)
        .catch((error: Error) => this.logger.warn(`scratch folder stays: ${error.message}`));
      this.cleanups.delete(cleanup);
      if (runner.diedByItself && pooled.leases.size === 0 && this.factory === factory) this.diedIdle(pooled);
      else this.replenish();
    });
    this.cleanups.add(cleanup);
    if (this.factory !== factory) return runner.kill();
    this.trouble.booted();
    this.serve();
    this.changed();
  }

  private diedIdle(pooled: PooledRunner): void {
    // What dies while we wait before the next boot belongs to the same incident.
    if (!this.retry) this.trouble.died(pooled.runner.exitDescription, pooled.isProven);
    this.backOff();
  }

  /** Boots nothing for a while; then as if nothing had been. */
  private backOff(): void {
    const { problem, count, delayMs } = this.trouble;
    if (problem !== null) this.waiting.refuse(new RunnerBootError(problem));
    if (this.retry) return;
    this.logger.error({ msg: 'runner lost', inARow: count, retryInMs: delayMs, problem });
    this.retry = setTimeout(() => {
      this.retry = null;
      this.replenish();
    }, delayMs);
    this.retry.unref();
    this.changed();
  }

  private changed(): void {
    for (const listener of this.listeners) listener();
  }
}
