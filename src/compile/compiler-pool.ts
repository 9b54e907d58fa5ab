import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Service } from '../lib/service.js';
import { waitAtMost } from '../lib/time-limit.js';
import { InjectSettings } from '../config/config.module.js';
import { type CompilerSettings, compilerSettings } from '../config/slices.js';
import { emitMeasurement } from '../telemetry/measurements.js';
import { CompileLimitError, CompilerUnavailableError } from './compile-error.js';
import { CompilerFactory } from './compiler-factory.js';
import { CompilerEndedError, type CompilerProcess } from './compiler-process.js';
import { CompileTask } from './compile-task.js';
import type { CompilerReply, CompilerRequest } from './protocol.js';

/** Processes that are kept once sources are slow: one slow source leaves the other. */
const KEPT = 2;
/** A source that takes longer is slow. When every process has been busy for this long, another one is started. */
const GROW_AFTER_MS = 30;
/** A process whose memory is above this share of its limit after a source is replaced. */
const WORN_SHARE = 0.6;
/** A process may be killed while it boots; after this many failures in a row none can be started. */
const BOOT_FAILURES_TOLERATED = 4;
const RETRY_BASE_MS = 100;
const RETRY_MAX_MS = 5_000;
const STOP_TIMEOUT_MS = 3_000;
const ANY_TIMEOUT_MS = 30_000;
const NO_WORK: CompilerRequest = { op: 'locate', compiled: '', places: [] };

/**
 * The compiler processes of this worker.
 *
 * 1. A process compiles one source at a time, so that what it dies of is that source's doing.
 * 2. One is kept until a source is slow, two from then on; more are started only while all are busy with slow
 *    sources, at most one more than executions run at once, so that a slow source never makes another wait for its end.
 * 3. A process that dies is replaced at once. What it was compiling is compiled again, unless its own
 *    demands were the reason.
 * 4. When none can be started, requests fail at once, and starting is tried again with back-off.
 */
@Injectable()
export class CompilerPool implements Service, OnApplicationShutdown {
  private readonly logger = new Logger(CompilerPool.name);
  private readonly waiting: CompileTask[] = [];
  private readonly idle: CompilerProcess[] = [];
  private readonly live = new Set<CompilerProcess>();
  /** How many processes there are when there is little to do. */
  private kept = 1;
  private factory: Promise<CompilerFactory> | null = null;
  private readonly boots = new Set<Promise<void>>();
  private bootFailures = 0;
  private retry: NodeJS.Timeout | undefined;
  private grow: NodeJS.Timeout | undefined;
  private reason: string | null = null;

  constructor(@InjectSettings(compilerSettings) private readonly settings: CompilerSettings) {}

  /** Why no compiler can be started at present; null while there is no trouble. */
  get problem(): string | null {
    return this.reason;
  }

  /** Processes that are alive now. */
  get size(): number {
    return this.live.size;
  }

  /**
   * Chooses the isolation and starts the first process; otherwise the first request does.
   * @throws {SettingsError} when no level of isolation that the settings allow works here
   */
  async start(): Promise<void> {
    await this.open();
    this.replenish();
  }

  onApplicationShutdown(): Promise<void> {
    return this.stop();
  }

  /** Ends every process; what waits is refused. Safe to call twice, and before `start`. */
  async stop(): Promise<void> {
    const { factory } = this;
    this.factory = null;
    clearTimeout(this.retry);
    clearTimeout(this.grow);
    this.retry = undefined;
    this.reason = null;
    this.bootFailures = 0;
    this.kept = 1;
    for (const task of this.waiting.splice(0)) task.fail(new CompilerUnavailableError('the worker stops'));
    if (factory === null) return;
    for (const compiler of this.live) compiler.kill();
    await Promise.all(this.boots);
    const ended = Promise.all([...this.live].map((compiler) => compiler.ended));
    await waitAtMost(ended, STOP_TIMEOUT_MS);
    await (await factory.catch(() => null))?.close();
  }

  /**
   * Carries out one request in a confined process.
   * @param signal aborting it ends the process that works on it; rejects with its reason
   * @throws {CompileLimitError} when it takes more than it may
   * @throws {CompilerUnavailableError} when no process can be started
   */
  async run(request: CompilerRequest, signal: AbortSignal): Promise<CompilerReply> {
    await this.open();
    if (this.reason !== null) throw new CompilerUnavailableError(this.reason);
    const task = new CompileTask(request, signal, this.settings);
    this.waiting.push(task);
    this.serve();
    return task.done;
  }

  /**
   * Any process that is alive, to be looked at from the outside.
   * @throws {CompilerUnavailableError} when none can be started
   */
  async any(): Promise<CompilerProcess> {
    if (this.live.size === 0) await this.run(NO_WORK, AbortSignal.timeout(ANY_TIMEOUT_MS));
    const [compiler] = this.live;
    if (compiler === undefined) throw new CompilerUnavailableError('the only compiler has just ended');
    return compiler;
  }

  private open(): Promise<CompilerFactory> {
    this.factory ??= CompilerFactory.open(this.settings).catch((error: unknown) => {
      this.factory = null;
      throw error;
    });
    return this.factory;
  }

  private serve(): void {
    while (this.waiting.length > 0) {
      const compiler = this.idle.pop();
      if (compiler === undefined) break;
      void this.work(compiler, this.waiting.shift() as CompileTask);
    }
    clearTimeout(this.grow);
    if (this.waiting.length > 0) this.grow = setTimeout(() => this.bootOne(), GROW_AFTER_MS);
    this.replenish();
  }

  private async work(compiler: CompilerProcess, task: CompileTask): Promise<void> {
    if (task.isOver) {
      this.idle.push(compiler);
      return this.serve();
    }
    const slow = setTimeout(() => this.keepTwo(), GROW_AFTER_MS);
    try {
      task.succeed(await task.runOn(compiler));
      this.putBack(compiler);
    } catch (error) {
      this.lost(task, error as Error);
    } finally {
      clearTimeout(slow);
    }
    this.serve();
  }

  private putBack(compiler: CompilerProcess): void {
    const worn = compiler.memoryMb() > this.settings.memoryMb * WORN_SHARE;
    if (worn) return this.retire(compiler);
    this.idle.push(compiler);
    this.trim();
  }

  /** Ends what was started for slow sources and is not needed any more. */
  private trim(): void {
    while (this.waiting.length === 0 && this.live.size > KEPT) {
      const surplus = this.idle.pop();
      if (surplus === undefined) return;
      this.retire(surplus);
    }
  }

  private retire(compiler: CompilerProcess): void {
    this.live.delete(compiler);
    compiler.kill();
  }

  /** The process is gone. An innocent source is compiled again, before what came after it. */
  private lost(task: CompileTask, error: Error): void {
    if (error instanceof CompilerEndedError && task.mayRunAgain(error.end)) {
      this.waiting.unshift(task);
      return;
    }
    const failure = error instanceof CompilerEndedError ? task.limitErrorOf(error.end) : error;
    if (failure instanceof CompileLimitError) emitMeasurement('compile-refused', { limit: failure.limit });
    task.fail(failure);
  }

  /** Where one source is slow the next may be too. */
  private keepTwo(): void {
    this.kept = KEPT;
    this.replenish();
  }

  /** Starts what is missing of the processes that are kept. */
  private replenish(): void {
    while (this.live.size + this.boots.size < this.kept && this.factory !== null && this.retry === undefined)
      this.bootOne();
  }

  private bootOne(): void {
    if (this.factory === null || this.retry !== undefined) return;
    if (this.live.size + this.boots.size > this.settings.concurrency + KEPT) return;
    const boot = this.factory.then((factory) => factory.boot());
    const booted: Promise<void> = boot
      .finally(() => this.boots.delete(booted))
      .then(
        (compiler) => this.adopt(compiler),
        (error: Error) => this.bootFailed(error),
      );
    this.boots.add(booted);
  }

  private adopt(compiler: CompilerProcess): void {
    this.bootFailures = 0;
    this.reason = null;
    this.live.add(compiler);
    void compiler.ended.then((end) => {
      this.live.delete(compiler);
      const at = this.idle.indexOf(compiler);
      if (at >= 0) this.idle.splice(at, 1);
      emitMeasurement('compiler-ended', { end });
      this.replenish();
    });
    if (this.factory === null) return compiler.kill();
    this.idle.push(compiler);
    this.serve();
    this.trim();
  }

  private bootFailed(error: Error): void {
    if (this.factory === null) return;
    // What fails while the next boot is waited for belongs to the same trouble.
    if (this.retry !== undefined) return;
    this.bootFailures += 1;
    const retryInMs = Math.min(RETRY_BASE_MS * 2 ** (this.bootFailures - 1), RETRY_MAX_MS);
    this.logger.error({
      msg: 'a compiler could not be started',
      inARow: this.bootFailures,
      retryInMs,
      reason: error.message,
    });
    if (this.bootFailures > BOOT_FAILURES_TOLERATED && this.live.size === 0) this.giveUp(error.message);
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      this.serve();
    }, retryInMs);
  }

  /** Until a process can be started, what is asked for fails at once. */
  private giveUp(reason: string): void {
    this.reason = reason;
    for (const task of this.waiting.splice(0)) task.fail(new CompilerUnavailableError(reason));
  }
}
