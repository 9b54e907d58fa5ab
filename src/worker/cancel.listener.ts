import { Inject, Injectable, Logger } from '@nestjs/common';
import { cancelMessageSchema } from '../contract/cancellation.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';
import { CancelRequests } from '../results/cancel-requests.js';
import { CancelService } from '../queue/cancel.service.js';
import { RunningExecutions } from './running-executions.js';

/**
 * Receives requests to cancel that come over Redis. A request of our API is noted already and only concerns
 * the worker that has the execution in hand. A request of any other program is noted by the first worker
 * that receives it, which also ends the execution if no worker carries it out.
 */
@Injectable()
export class CancelListener {
  private readonly logger = new Logger(CancelListener.name);
  private subscriber: RedisClient | null = null;

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly requests: CancelRequests,
    private readonly running: RunningExecutions,
    private readonly cancels: CancelService,
  ) {}

  /** Listens from now on, again after every loss of the connection. */
  start(): void {
    if (this.subscriber) return;
    // A connection that subscribes can do nothing else.
    const subscriber = (this.redis as { duplicate(): RedisClient }).duplicate();
    this.subscriber = subscriber;
    // The connection it is a copy of reports that Redis is away.
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel: string, text: string) => {
      this.receive(text).catch((error: Error) =>
        this.logger.warn({ msg: 'request to cancel not carried out', reason: error.message }),
      );
    });
    subscriber
      .subscribe(this.keys.cancelChannel())
      .catch((error: Error) => this.logger.debug(`not subscribed: ${error.message}`));
  }

  stop(): void {
    this.subscriber?.disconnect();
    this.subscriber = null;
  }

  private async receive(text: string): Promise<void> {
    const parsed = cancelMessageSchema.safeParse(parseJson(text));
    if (!parsed.success) {
      const reason = parsed.error.issues
        .map(({ path, message }) => `${path.join('.')}: ${message}`)
        .join('; ');
      this.logger.warn({ msg: 'cancel message ignored', reason });
      return;
    }
    const { execution_id: id, reason = null, asked_at: askedAt } = parsed.data;
    if (askedAt != null) {
      this.running.cancel(id, { askedAt, reason });
      return;
    }
    const noted = await this.requests.note(id, reason);
    if (noted.kind === 'ended') return;
    const here = this.running.cancel(id, noted.request);
    if (!here && noted.isNew) await this.cancels.endIfUnowned(id, noted);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
