import { Inject, Injectable, Logger } from '@nestjs/common';
import pRetry from 'p-retry';
import { type CancelMessage, cancelMessageSchema } from '../contract/cancellation.js';
import type { Service } from '../lib/service.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { asJson, RedisSubscription } from '../redis/redis-subscription.js';
import { CancelRequests } from '../results/cancel-requests.js';
import { CancelService } from '../queue/cancel.service.js';
import { RunningExecutions } from './running-executions.js';

/** With pauses that double, from 100 ms: for about 6 s. */
const NOTE_TRIES_AGAIN = 6;

/**
 * Receives requests to cancel that come over Redis. A request of our API is noted already and only concerns
 * the worker that has the execution in hand. A request of any other program is noted by the first worker
 * that receives it, which also ends the execution if no worker carries it out.
 */
@Injectable()
export class CancelListener implements Service {
  private readonly subscription: RedisSubscription<CancelMessage>;

  constructor(
    @Inject(PATIENT_REDIS) redis: RedisClient,
    keys: RedisKeys,
    private readonly requests: CancelRequests,
    private readonly running: RunningExecutions,
    private readonly cancels: CancelService,
  ) {
    this.subscription = new RedisSubscription(redis, new Logger(CancelListener.name), {
      name: 'request to cancel',
      channels: [keys.cancelChannel()],
      decode: asJson(cancelMessageSchema),
      receive: (message) => this.receive(message),
      refusal: 'requests to cancel are received by looking once a second only',
    });
  }

  /** Listens from now on, again after every loss of the connection; does not wait for Redis. */
  start(): void {
    void this.subscription.start();
  }

  stop(): void {
    this.subscription.stop();
    this.running.stopChecking();
  }

  private async receive({
    execution_id: id,
    reason = null,
    asked_at: askedAt,
  }: CancelMessage): Promise<void> {
    if (askedAt != null) {
      this.running.cancel(id, { askedAt, reason });
      return;
    }
    // A note whose answer came too late is there all the same, and then ours.
    let mayBeOurs = false;
    const noted = await pRetry(() => this.requests.note(id, reason), {
      retries: NOTE_TRIES_AGAIN,
      minTimeout: 100,
      onFailedAttempt: () => void (mayBeOurs = true),
    });
    if (noted.kind === 'ended') return;
    const here = this.running.cancel(id, noted.request);
    if (!here && (noted.isNew || mayBeOurs)) await this.cancels.endIfUnowned(id, noted);
  }
}
