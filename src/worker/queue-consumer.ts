import { Injectable, Logger } from '@nestjs/common';
import type { Worker } from 'bullmq';
import { waitAtMost } from '../lib/time-limit.js';
import { isConnectionError } from '../redis/connections.js';
import { ExecutionProcessor } from './execution.processor.js';
import { ScheduleTicks } from './schedule-ticks.js';
import { UnreadableJobs } from './unreadable-jobs.js';

const CLOSE_TIMEOUT_MS = 2_000;
/** After the runners of a hand-back are killed: time for the jobs to be returned. */
const HAND_BACK_TIMEOUT_MS = 5_000;

/** Reads the work queue, and stops reading it without losing or repeating what runs. */
@Injectable()
export class QueueConsumer {
  private readonly logger = new Logger(QueueConsumer.name);
  private readonly hurry = new AbortController();

  constructor(
    private readonly processor: ExecutionProcessor,
    private readonly ticks: ScheduleTicks,
    private readonly unreadable: UnreadableJobs,
  ) {}

  start(): void {
    const worker = this.worker;
    worker.on('error', (error) => {
      if (isConnectionError(error)) return;
      this.logger.warn({ msg: 'queue', reason: error.message });
      void this.unreadable.look();
    });
    worker.on('active', (job) => void this.ticks.note(job));
    worker
      .run()
      .catch((error: Error) => this.logger.error({ msg: 'queue reader ended', reason: error.message }));
  }

  /** Takes nothing new; what runs goes on. */
  async pause(): Promise<void> {
    await this.worker.pause(true);
  }

  async resume(): Promise<void> {
    await this.worker.resume();
  }

  /** A running {@link drain} waits no longer. */
  expedite(): void {
    this.hurry.abort();
  }

  /** Executions that this worker carries out now. */
  get running(): number {
    return this.processor.activity.count;
  }

  /** Stops reading, lets what runs finish for `timeoutMs`, hands the rest back. Always resolves. */
  async drain(timeoutMs: number): Promise<void> {
    await this.pause();
    const finished = this.processor.activity.whenIdle();
    await waitAtMost(finished, timeoutMs, this.hurry.signal);
    if (this.running > 0) {
      this.logger.warn({ msg: 'drain deadline: executions are handed back', running: this.running });
      this.worker.cancelAllJobs('drain');
      await waitAtMost(finished, HAND_BACK_TIMEOUT_MS);
    }
    await waitAtMost(this.worker.close(), CLOSE_TIMEOUT_MS);
  }

  private get worker(): Worker {
    return this.processor.worker;
  }
}
