import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { waitAtMost } from '../../lib/time-limit.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { PATIENT_REDIS } from '../../redis/redis.module.js';
import { asText, RedisSubscription } from '../../redis/redis-subscription.js';

/** How long a follower waits for Redis to confirm its subscription; after that it starts without the confirmation. */
const CONFIRM_MS = 1_000;

/**
 * Notifies the followers of executions of new log entries: one connection for all of them, opened by
 * the first. Messages may be lost with the connection; when it is back, every follower is notified.
 */
@Injectable()
export class LogAnnouncements implements OnApplicationShutdown {
  private readonly subscription: RedisSubscription<string>;
  /** By channel, which is named as the stream. */
  private readonly bells = new Map<string, Set<() => void>>();

  constructor(
    @Inject(PATIENT_REDIS) redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {
    this.subscription = new RedisSubscription(redis, new Logger('Api'), {
      name: 'announcement of log entries',
      decode: asText,
      receive: (_text, channel) => this.bells.get(channel)?.forEach((ring) => ring()),
      onOpen: () => this.bells.forEach((bells) => bells.forEach((ring) => ring())),
      refusal: 'log entries are found by looking every 2 seconds only',
    });
  }

  /** Calls `ring` from now on whenever there is something new. Returns what ends that. */
  async listen(executionId: string, ring: () => void): Promise<() => void> {
    const channel = this.keys.logs(executionId);
    const known = this.bells.get(channel);
    if (known) known.add(ring);
    else {
      this.bells.set(channel, new Set([ring]));
      await waitAtMost(this.subscription.add(channel), CONFIRM_MS);
    }
    return () => this.leave(channel, ring);
  }

  /** How many executions are watched. */
  get watched(): number {
    return this.bells.size;
  }

  onApplicationShutdown(): void {
    this.subscription.stop();
  }

  private leave(channel: string, ring: () => void): void {
    const bells = this.bells.get(channel);
    if (!bells?.delete(ring) || bells.size > 0) return;
    this.bells.delete(channel);
    this.subscription.remove(channel);
  }
}
