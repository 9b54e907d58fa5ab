import { Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import type { Service } from '../lib/service.js';
import { waitAtMost } from '../lib/time-limit.js';
import { isRedisAway, isTurnedAway } from '../redis/redis-errors.js';
import { EndAtOnce } from '../results/at-once/end-at-once.js';
import { NextJobs } from '../results/at-once/next-jobs.js';
import { ExecutionProcessor } from './execution.processor.js';
import type { ExecutionWorker } from './bull/execution-worker.js';
import { RunningExecutions } from './running-executions.js';
import { UnreadableJobs } from './unreadable-jobs.js';

/** All of a stop beyond the drain time fits into 2.5 s, also while Redis does not answer. */
const CLOSE_TIMEOUT_MS = 500;
/** After the runners of a hand-back are killed: time for the jobs to be returned. */
const HAND_BACK_TIMEOUT_MS = 1_000;
const REPORT_EVERY_MS = 60_000;

/** Reads the work queue, which makes the worker active, and stops reading it without losing or repeating what runs. */
@Injectable()
export class QueueConsumer implements Service {
  private readonly logger = new Logger(QueueConsumer.name);
  private readonly hurry = new AbortController();
  private stopping: Promise<void> | null = null;
  private reported = { reason: '', atMs: 0 };

  constructor(
    private readonly processor: ExecutionProcessor,
    private readonly unreadable: UnreadableJobs,
    private readonly state: WorkerStateHolder,
    private readonly atOnce: EndAtOnce,
    private readonly next: NextJobs,
    private readonly executions: RunningExecutions,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  start(): void {
    if (this.state.current !== 'STARTING') return;
    this.state.enter('ACTIVE');
    const worker = this.worker;
    worker.handOutWith(this.next);
    worker.on('error', (error) => {
      // Connections report that Redis is away, and the lease that it refuses to write.
      const isAway = isRedisAway(error);
      if (!isAway || isTurnedAway(error)) this.report(error.message);
      if (!isAway) void this.unreadable.look();
    });
    void this.prepareScripts();
    worker
      .run()
      .catch((error: Error) => this.logger.error({ msg: 'queue reader ended', reason: error.message }));
  }

  /** Once a minute where it goes on: whatever fails is tried again each second. */
  private report(reason: string): void {
    const atMs = performance.now();
    if (reason === this.reported.reason && atMs - this.reported.atMs < REPORT_EVERY_MS) return;
    this.reported = { reason, atMs };
    this.logger.warn({ msg: 'queue', reason });
  }

  /** BullMQ has given its scripts to Redis then. */
  private async prepareScripts(): Promise<void> {
    await this.worker.waitUntilReady().catch(() => undefined);
    this.next.prepare(this.atOnce.prepare());
  }

  /** Takes nothing new; what runs goes on. */
  async pause(): Promise<void> {
    await this.worker.pause(true);
  }

  async resume(): Promise<void> {
    await this.worker.resume();
  }

  /** A {@link stop} that is under way waits no longer for what runs. */
  expedite(): void {
    this.hurry.abort();
  }

  /** Executions that this worker carries out now. */
  get running(): number {
    return this.processor.activity.count;
  }

  /** Stops reading, lets what runs finish for DRAIN_TIMEOUT_SECONDS, hands the rest back. Once and for all. */
  stop(): Promise<void> {
    this.stopping ??= this.drain();
    return this.stopping;
  }

  private async drain(): Promise<void> {
    if (this.state.current === 'STARTING') return;
    const timeoutMs = this.settings.drainTimeoutMs;
    this.state.enter('DRAINING');
    this.logger.log({ msg: 'draining', running: this.running, timeoutSeconds: timeoutMs / 1000 });
    // A pause waits for Redis; what it would still take meanwhile is handed back.
    const paused = this.pause();
    const finished = this.processor.activity.whenIdle();
    await waitAtMost(Promise.all([paused, finished]), timeoutMs, this.hurry.signal);
    if (this.running > 0) {
      this.logger.warn({ msg: 'drain deadline: executions are handed back', running: this.running });
      this.executions.interruptAll('drain');
      await waitAtMost(finished, HAND_BACK_TIMEOUT_MS);
    }
    await waitAtMost(this.worker.close(), CLOSE_TIMEOUT_MS);
    this.state.enter('STOPPED');
  }

  private get worker(): ExecutionWorker {
    return this.processor.worker;
  }
}
