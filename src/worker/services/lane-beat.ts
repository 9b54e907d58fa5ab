import { Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../../config/slices.js';
import { WorkerStateHolder } from '../../heartbeat/worker-state.js';
import type { Service } from '../../lib/service.js';
import { waitAtMost } from '../../lib/time-limit.js';
import { DirectJobs } from '../../queue/fairness/direct-jobs.js';
import { HeldJobs } from '../../queue/fairness/held-jobs.js';
import { LaneLimits } from '../../queue/fairness/lane-limits.js';
import { Lanes, type Leading } from '../../queue/fairness/lanes.js';
import { WorkerLease } from '../../results/worker-lease.js';
import { ExecutionPlaces } from '../lanes/execution-places.js';

const BEAT_MS = 1_000;
/** A Redis that is away does not delay the end of a worker. */
const LEAVE_TIMEOUT_MS = 500;

/** Which worker beats, and how much it takes. */
@Injectable()
export class LaneBeatOwner {
  constructor(
    private readonly lease: WorkerLease,
    private readonly state: WorkerStateHolder,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  get id(): string {
    return this.lease.owner;
  }

  get capacity(): number {
    return this.state.takesWork ? this.settings.concurrency : 0;
  }
}

/**
 * The part of a worker in the order of executions: once a second it reports to the lanes how many it runs at once
 * and which; one worker puts right what was left half-done, and what came past the lanes into them.
 */
@Injectable()
export class LaneBeat implements Service {
  private readonly logger = new Logger(LaneBeat.name);
  private timer: NodeJS.Timeout | null = null;
  private isBeating = false;

  constructor(
    private readonly lanes: Lanes,
    private readonly limits: LaneLimits,
    private readonly direct: DirectJobs,
    private readonly held: HeldJobs,
    private readonly places: ExecutionPlaces,
    private readonly own: LaneBeatOwner,
  ) {}

  async start(): Promise<void> {
    if (this.timer) return;
    if (!this.lanes.isOn) {
      this.held
        .release()
        .catch((error: Error) => this.logger.warn(`held jobs were not released: ${error.message}`));
      return;
    }
    this.timer = setInterval(() => void this.beat(), BEAT_MS).unref();
    // A Redis that is away does not delay the start.
    void this.beat();
    await this.limits.start();
  }

  async stop(): Promise<void> {
    this.limits.stop();
    if (!this.timer) return;
    clearInterval(this.timer);
    this.timer = null;
    await waitAtMost(
      this.lanes.leave(this.own.id).catch(() => undefined),
      LEAVE_TIMEOUT_MS,
    );
  }

  private async beat(): Promise<void> {
    // While Redis is away no more than one waits for it.
    if (this.isBeating) return;
    this.isBeating = true;
    try {
      const leading = await this.lanes.beat(this.own.id, this.own.capacity, this.places.running());
      // Not waited for: a worker that does not beat counts as dead.
      if (leading && this.timer) void this.lead(leading);
    } catch (error) {
      this.logger.debug(`no beat: ${(error as Error).message}`);
    } finally {
      this.isBeating = false;
    }
  }

  /** Caps first: what is put into lanes again is to find them. */
  private async lead(leading: Leading): Promise<void> {
    if (leading.hasLostKeys) await this.limits.copyAll();
    await this.direct.move(leading);
  }
}
