import { join } from 'node:path';
import { Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import type { Settings } from '../config/settings.js';
import type { RunnerRecord } from '../contract/worker-record.js';
import { bundleRunner } from './runner-bundle.js';
import { RunnerBootError, RunnerProcess } from './runner-process.js';
import { RuntimeDir, removeDir } from './runtime-dir.js';

const MAX_DEFAULT_SPARES = 8;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
const STOP_TIMEOUT_MS = 3_000;
/** Part of a runner's memory that is not JavaScript heap: Node itself and its buffers. */
const BASE_MEMORY_MB = 64;
const MIN_HEAP_MB = 32;
/** A frame's characters may take three bytes each, and its other fields some room. */
const FRAME_FACTOR = 3;
const FRAME_EXTRA_BYTES = 1_048_576;

interface Waiter {
  resolve(runner: RunnerProcess): void;
  reject(error: Error): void;
}

/**
 * The runner processes of this worker. Spares are booted ahead, so that an execution need not wait
 * for a process to start; a runner serves one execution and is then killed and replaced.
 *
 * When booting fails, those who wait are told at once and boots are tried again with back-off.
 */
@Injectable()
export class RunnerPool {
  private readonly logger = new Logger(RunnerPool.name);
  private readonly live = new Set<RunnerProcess>();
  private readonly running = new Map<RunnerProcess, { executionId: string; startedAt: string }>();
  private readonly spares: RunnerProcess[] = [];
  private readonly waiters: Waiter[] = [];
  private readonly cleanups = new Set<Promise<void>>();
  private readonly boots = new Set<Promise<void>>();
  private starting: Promise<void> = Promise.resolve();
  private stopping: Promise<void> = Promise.resolve();
  private booting = 0;
  private failures = 0;
  private lastError: string | null = null;
  private retry: NodeJS.Timeout | null = null;
  private dir: RuntimeDir | null = null;
  private bundle = '';
  private stopped = true;

  constructor(@InjectSettings() private readonly settings: Settings) {}

  /** Prepares the runtime folder and begins to boot spares. */
  start(): Promise<void> {
    if (this.stopped) {
      this.stopped = false;
      this.starting = this.prepare();
    }
    return this.starting;
  }

  /** Kills every runner and removes everything of them from the disk; also while it starts, and twice. */
  stop(): Promise<void> {
    if (!this.stopped) {
      this.stopped = true;
      this.stopping = this.end();
    }
    return this.stopping;
  }

  /** Why no runner can be had at present; null while the pool is well. */
  get problem(): string | null {
    return this.failures > 0 ? this.lastError : null;
  }

  /**
   * Takes a runner for one execution; give it back with `retire`.
   * @throws {RunnerBootError} when runners cannot be started now.
   */
  async checkout(executionId: string): Promise<RunnerProcess> {
    const runner = this.takeSpare() ?? (await this.nextBooted());
    this.running.set(runner, { executionId, startedAt: new Date().toISOString() });
    this.replenish();
    return runner;
  }

  /** Ends a runner after its execution; its scratch folder is removed behind it. */
  retire(runner: RunnerProcess): void {
    this.running.delete(runner);
    runner.kill();
  }

  records(): RunnerRecord[] {
    return [...this.live].map((runner) => {
      const current = this.running.get(runner);
      return {
        id: runner.id,
        kind: 'process',
        state: runner.state,
        pid: runner.pid,
        executions: runner.executions,
        memory_mb: null,
        current: current ? [{ execution_id: current.executionId, started_at: current.startedAt }] : [],
      };
    });
  }

  private get spareTarget(): number {
    return this.settings.SPARE_RUNNERS ?? Math.min(this.settings.CONCURRENCY, MAX_DEFAULT_SPARES);
  }

  private async prepare(): Promise<void> {
    this.dir = await RuntimeDir.create();
    this.bundle = await bundleRunner(this.dir.path);
    this.replenish();
  }

  private async end(): Promise<void> {
    if (this.retry) clearTimeout(this.retry);
    this.retry = null;
    this.rejectWaiters(new RunnerBootError('the runner pool was stopped'));
    for (const runner of this.live) runner.kill();
    await this.starting.catch(() => undefined);
    // A runner that is just booting is killed as soon as it is ready.
    const gone = Promise.all(this.boots).then(() => Promise.all(this.cleanups));
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, STOP_TIMEOUT_MS).unref())]);
    await this.dir?.remove();
    this.dir = null;
  }

  /** One whose end is known already, but not complete, is of no use. */
  private takeSpare(): RunnerProcess | undefined {
    while (this.spares.length > 0) {
      const spare = this.spares.shift();
      if (spare?.state === 'ACTIVE') return spare;
    }
    return undefined;
  }

  private nextBooted(): Promise<RunnerProcess> {
    if (this.stopped) return Promise.reject(new RunnerBootError('the runner pool was stopped'));
    if (this.retry) return Promise.reject(new RunnerBootError(this.lastError ?? 'runners cannot be started'));
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
      this.replenish();
    });
  }

  private replenish(): void {
    if (this.stopped || this.retry) return;
    const wanted = Math.max(this.spareTarget - this.spares.length, 0) + this.waiters.length;
    while (this.booting < wanted) {
      const boot: Promise<void> = this.bootOne().finally(() => this.boots.delete(boot));
      this.boots.add(boot);
    }
  }

  private async bootOne(): Promise<void> {
    this.booting += 1;
    const dir = this.dir as RuntimeDir;
    let scratch: string | undefined;
    try {
      scratch = await dir.createScratch();
      const runner = await RunnerProcess.boot(this.launch(scratch));
      this.booting -= 1;
      this.adopt(runner);
    } catch (error) {
      this.booting -= 1;
      if (scratch) await removeDir(scratch).catch(() => undefined);
      this.bootFailed(error as Error);
    }
  }

  private launch(scratch: string) {
    const { MEMORY_LIMIT_MB, OUTPUT_LIMIT_BYTES } = this.settings;
    return {
      bundle: this.bundle,
      scratch,
      packageSets: join(this.settings.PACKAGES_DIR, 'sets'),
      heapMb: Math.max(MEMORY_LIMIT_MB - BASE_MEMORY_MB, MIN_HEAP_MB),
      frameLimitBytes: OUTPUT_LIMIT_BYTES * FRAME_FACTOR + FRAME_EXTRA_BYTES,
    };
  }

  private adopt(runner: RunnerProcess): void {
    this.live.add(runner);
    const cleanup = runner.ended.then(async () => {
      this.live.delete(runner);
      await removeDir(runner.scratch).catch((error: Error) =>
        this.logger.warn(`scratch folder stays: ${error.message}`),
      );
      this.cleanups.delete(cleanup);
      const spare = this.spares.indexOf(runner);
      if (spare < 0) return;
      this.spares.splice(spare, 1);
      this.bootFailed(new RunnerBootError('an idle runner died'));
    });
    this.cleanups.add(cleanup);
    if (this.stopped) return runner.kill();
    this.failures = 0;
    const waiter = this.waiters.shift();
    if (waiter) waiter.resolve(runner);
    else this.spares.push(runner);
  }

  private bootFailed(error: Error): void {
    if (this.stopped) return;
    this.failures += 1;
    this.lastError = error.message;
    this.logger.error({ msg: 'runner boot failed', failures: this.failures, reason: error.message });
    this.rejectWaiters(error);
    if (this.retry) return;
    const delayMs = Math.min(RETRY_BASE_MS * 2 ** (this.failures - 1), RETRY_MAX_MS);
    this.retry = setTimeout(() => {
      this.retry = null;
      this.replenish();
    }, delayMs);
    this.retry.unref();
  }

  private rejectWaiters(error: Error): void {
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }
}
