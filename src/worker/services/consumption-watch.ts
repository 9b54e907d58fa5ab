import { Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../../config/slices.js';
import { WorkerStateHolder } from '../../heartbeat/worker-state.js';
import type { Service } from '../../lib/service.js';
import { WorkQueueGauge } from '../../queue/work-queue-gauge.js';
import { WorkerLease } from '../../results/worker-lease.js';
import { ExecutionProcessor } from '../execution.processor.js';
import { Canary } from './canary.js';

const LOOK_MS = 5_000;

/** What is looked at: how many jobs have been taken and ended here, and what waits. */
export interface Consumption {
  /** Jobs that wait and that this worker could take; null: it is not known, or Redis, which does not answer or refuses to write, lets none be taken. */
  takable: number | null;
  /** Jobs that this worker has taken since its start, and that it has ended. */
  taken: number;
  ended: number;
  /** Executions that it could take beside those that run. */
  room: number;
}

/**
 * Whether a worker takes work while work waits. Looks are counted, not time: whatever does not answer, waits for
 * nothing, or moves, starts the count anew.
 */
export class Standstill {
  private last: Consumption | null = null;
  private looks = 0;

  /** How long it has stood still by now, in milliseconds; 0: it does not. */
  note(now: Consumption | null): number {
    const moved = now?.taken !== this.last?.taken || now?.ended !== this.last?.ended;
    const stands = now !== null && (now.takable ?? 0) > 0 && now.room > 0 && !moved;
    this.looks = stands ? this.looks + 1 : 0;
    this.last = now;
    return this.looks * LOOK_MS;
  }
}

/** Looks every 5 s whether this worker takes work while work waits. */
@Injectable()
export class ConsumptionWatch implements Service {
  private readonly logger = new Logger(ConsumptionWatch.name);
  private readonly standstill = new Standstill();
  private timer: NodeJS.Timeout | null = null;
  private standsMs = 0;
  private takenBefore = 0;

  constructor(
    private readonly gauge: WorkQueueGauge,
    private readonly processor: ExecutionProcessor,
    private readonly state: WorkerStateHolder,
    private readonly canary: Canary,
    private readonly lease: WorkerLease,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  /** For how long, in milliseconds, it has taken nothing although work waited and it had room; 0: it takes work. */
  get standstillMs(): number {
    return this.standsMs;
  }

  /** Why it fetches no job although Redis is there, and for how long already; null: it fetches them. */
  get fetchTrouble(): { forMs: number; reason: string } | null {
    if (!this.state.takesWork) return null;
    const { fetchTrouble: trouble } = this.processor.worker;
    return trouble && { forMs: Math.round(performance.now() - trouble.sinceMs), reason: trouble.reason };
  }

  start(): void {
    this.timer ??= setInterval(() => void this.look(), LOOK_MS).unref();
  }

  stop(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.standsMs = 0;
  }

  private async look(): Promise<void> {
    const { activity } = this.processor;
    const mayTake = this.state.takesWork && this.lease.isRenewed;
    const takable = mayTake ? await this.gauge.takable().catch(() => null) : null;
    const before = this.standsMs;
    const isIdle = takable === 0 && activity.count === 0 && activity.entered === this.takenBefore;
    this.takenBefore = activity.entered;
    this.standsMs = this.standstill.note({
      takable,
      taken: activity.entered,
      ended: activity.left,
      room: this.settings.concurrency - activity.count,
    });
    this.canary.note(isIdle, LOOK_MS);
    if (before === 0 && this.standsMs > 0) this.logger.debug('work waits and none was taken');
  }
}
