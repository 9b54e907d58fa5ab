import { Inject, Injectable, Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { InjectSettings } from '../../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../../config/slices.js';
import { CANARY } from '../../contract/jobs/canary.js';
import { WORK_QUEUE } from '../../queue/queue-tokens.js';

/**
 * Puts a job that asks for nothing on the work queue of a worker that has been idle for CANARY_SECONDS, so that a queue
 * that is no longer read shows before there is work. Whether it is taken is seen as with every other job.
 */
@Injectable()
export class Canary {
  private readonly logger = new Logger(Canary.name);
  private idleMs = 0;
  /** Redis may be away: the answer comes when it is back. */
  private isPlacing = false;

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Pick<Queue, 'add'>,
    @InjectSettings(workerSettings) private readonly settings: Pick<WorkerSettings, 'canaryMs'>,
  ) {}

  /** Called at each look, every `ms` milliseconds. @param isIdle the worker had nothing to do since the one before */
  note(isIdle: boolean, ms: number): void {
    const { canaryMs } = this.settings;
    this.idleMs = isIdle ? this.idleMs + ms : 0;
    if (canaryMs === 0 || this.idleMs < canaryMs || this.isPlacing) return;
    this.idleMs = 0;
    void this.place();
  }

  private async place(): Promise<void> {
    this.isPlacing = true;
    try {
      await this.queue.add(CANARY.name, {}, { jobId: CANARY.id, removeOnComplete: true, removeOnFail: true });
    } catch (error) {
      this.logger.debug({ msg: 'no canary', reason: (error as Error).message });
    } finally {
      this.isPlacing = false;
    }
  }
}
