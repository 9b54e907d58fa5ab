import { WorkerHost } from '@nestjs/bullmq';
import { Injectable } from '@nestjs/common';
import type { Job } from 'bullmq';
import { isCanary } from '../contract/jobs/canary.js';
import { WorkerStateHolder } from '../heartbeat/worker-state.js';
import { Activity } from '../lib/activity.js';
import { Attempt } from './attempt.js';
import type { Delivery, TakenDelivery } from './delivery.js';
import { DeliveryOpener } from './delivery-opener.js';
import { Ending } from './ending.js';
import type { ExecutionWorker } from './bull/execution-worker.js';
import { ExecutionPlaces, NO_PLACE, type NoRoom, type Place } from './lanes/execution-places.js';
import { HandBack } from './hand-back.js';
import { isDecided } from './job-decisions.js';
import { Taker } from './taker.js';

/**
 * The main flow: one job of the work queue, from its arrival to its one result. Each step is a class of its own
 * over one delivery: open, take, run, end; or hand back.
 *
 * A job that comes while the worker drains, that is above a cap of its organization, whose execution runs elsewhere,
 * whose children are under way, or whose runner cannot be started goes back to the queue without counting; everything else ends with a result.
 */
@Injectable()
export class ExecutionProcessor extends WorkerHost<ExecutionWorker> {
  /** The jobs that are being processed now. */
  readonly activity = new Activity();

  constructor(
    private readonly state: WorkerStateHolder,
    private readonly opener: DeliveryOpener,
    private readonly places: ExecutionPlaces,
    private readonly taker: Taker,
    private readonly attempt: Attempt,
    private readonly ending: Ending,
    private readonly handBack: HandBack,
  ) {
    super();
  }

  // With a third parameter BullMQ would make an AbortController for each job; what ends one is RunningExecutions.
  override async process(job: Job, token?: string): Promise<unknown> {
    if (token === undefined) throw new Error('BullMQ gave no token');
    // Not with `using`, which the compiler makes a dozen calls of.
    const active = this.activity.enter();
    let delivery: Delivery | null = null;
    try {
      if (!this.state.takesWork) {
        await this.opener.giveBack(job);
        return await this.handBack.toFront({ job, token });
      }
      if (isCanary(job)) return null;
      delivery = this.opener.open(job, token);
      const entering = this.places.enter(delivery);
      const room = entering instanceof Promise ? await entering : entering;
      // Awaited here: until then the delivery receives requests to cancel.
      return await (room.kind === 'place'
        ? this.inPlace(delivery, room.place)
        : this.withoutRoom(delivery, room.kind));
    } finally {
      delivery?.stops[Symbol.dispose]();
      active[Symbol.dispose]();
    }
  }

  private inPlace(delivery: Delivery, place: Place): Promise<unknown> {
    return place.during(() => this.runSteps(delivery, place));
  }

  private async withoutRoom(delivery: Delivery, why: NoRoom['kind']): Promise<unknown> {
    if (await this.taker.giveBack(delivery)) return this.handBack.untilRoom(delivery, why);
    return this.inPlace(delivery, NO_PLACE);
  }

  private async runSteps(delivery: Delivery, place: Place): Promise<unknown> {
    let ours: TakenDelivery | null = null;
    try {
      const taking = this.taker.take(delivery);
      const taken = taking instanceof Promise ? await taking : taking;
      switch (taken.kind) {
        case 'children under way':
          return await this.handBack.untilChildren(delivery);
        case 'elsewhere':
          place.belongsElsewhere();
          return await this.handBack.later(delivery);
        case 'not its turn':
          return await this.handBack.later(delivery);
        case 'ended':
          return await this.ending.repeat(delivery, taken);
        case 'taken':
          ours = taken.delivery;
          return await this.ending.end(ours, await this.attempt.run(ours));
      }
    } catch (error) {
      if (isDecided(error)) throw error;
      const cancel = await this.handBack.free(delivery, ours?.run ?? null, error);
      return cancel && ours ? this.ending.cancel(ours, cancel) : this.handBack.unfinished(delivery, error);
    }
  }
}
