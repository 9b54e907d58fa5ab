import { Inject, Injectable, Logger } from '@nestjs/common';
import type { JobsOptions, Queue } from 'bullmq';
import { HELD_UNTIL_MS } from '../contract/jobs/job-options.js';
import { isRedisAway } from '../redis/redis-errors.js';
import { parkedLevel, PRODUCER } from './fairness/lane-levels.js';
import type { LaneRequest } from './fairness/lane-request.js';
import { Lanes } from './fairness/lanes.js';
import { WORK_QUEUE } from './queue-tokens.js';

/** A job that is to be added. */
export interface NewJob {
  name: string;
  data: object;
  lane: LaneRequest;
}

/** Adds jobs to the work queue, in the lane of their organization. */
@Injectable()
export class Queueing {
  private readonly logger = new Logger(Queueing.name);

  constructor(
    @Inject(WORK_QUEUE) private readonly queue: Queue,
    private readonly lanes: Lanes,
  ) {}

  /** @throws what BullMQ and Redis throw; then the job was not added. */
  async add({ name, data, lane }: NewJob, options: JobsOptions & { jobId: string }): Promise<void> {
    if (this.lanes.leavesAlone(lane)) {
      await this.queue.add(name, data, options);
      return;
    }
    const { priority = null, isHeld } = await this.placed(lane, options);
    await this.queue.add(name, data, {
      ...options,
      ...(priority === null ? {} : { priority }),
      ...(isHeld ? { delay: HELD_UNTIL_MS - Date.now() } : {}),
    });
    if (isHeld) this.lanes.look();
  }

  /** Options of the job of each tick of a schedule: BullMQ adds those, and a worker puts them into their lane. */
  optionsOfTicks(lane: LaneRequest, options: JobsOptions): JobsOptions {
    const isAlone = !this.lanes.isOn || (lane.organization === '' && lane.key === null);
    return isAlone ? options : { ...options, priority: options.priority || PRODUCER };
  }

  private async placed(
    lane: LaneRequest,
    options: JobsOptions & { jobId: string },
  ): Promise<{ priority?: number; isHeld?: boolean }> {
    // It enters its lane when its time has come.
    if (options.delay) return { priority: options.priority || PRODUCER };
    try {
      const level = await this.lanes.submit(options.jobId, lane);
      return level === null
        ? { priority: parkedLevel(lane.band, lane.priority), isHeld: true }
        : { priority: level };
    } catch (error) {
      if (isRedisAway(error)) throw error;
      // Without its lane it runs all the same, as one that came from a producer of its own.
      this.logger.warn({
        msg: 'a job was added past its lane',
        jobId: options.jobId,
        reason: (error as Error).message,
      });
      return {};
    }
  }
}
