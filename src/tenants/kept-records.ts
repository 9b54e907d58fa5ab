import type { Logger } from '@nestjs/common';
import type { Soon } from '../lib/soon.js';
import type { RedisClient } from '../redis/connections.js';
import { asText, RedisSubscription } from '../redis/redis-subscription.js';

/** A message that Redis lost is made up for within this time. */
const MAX_AGE_MS = 5_000;
const MOST_KEPT = 10_000;

interface Kept<T> {
  value: Soon<T>;
  atMs: number;
}

/** Where records are read, and how a change of one is announced. */
export interface RecordSource<T> {
  /** As the log names a change. */
  name: string;
  /** Its messages are the ids of records that have changed. */
  channel: string;
  read: (id: string) => Promise<T>;
}

/**
 * Records that rarely change and are needed all the time: read once, and read again after a message on their channel,
 * at the latest after 5 s. The connection for that is opened by the first question.
 */
export class KeptRecords<T> {
  private readonly kept = new Map<string, Kept<T>>();
  private readonly subscription: RedisSubscription<string>;
  private isHeard = false;

  constructor(
    redis: RedisClient,
    logger: Pick<Logger, 'warn' | 'error'>,
    private readonly source: RecordSource<T>,
  ) {
    this.subscription = new RedisSubscription(redis, logger, {
      name: source.name,
      channels: [source.channel],
      decode: asText,
      receive: (id) => void this.kept.delete(id),
      onOpen: () => this.kept.clear(),
      refusal: `Redis does not let this worker subscribe to ${source.channel}; changes take effect after ${MAX_AGE_MS / 1000} s only`,
    });
  }

  /** Rejects as reading does. What was read before is there at once. */
  find(id: string): Soon<T> {
    this.listen();
    const nowMs = performance.now();
    const known = this.kept.get(id);
    if (known && nowMs - known.atMs < MAX_AGE_MS) return known.value;
    const value = this.source.read(id);
    // What is read before messages arrive may be outdated at once.
    if (!this.isHeard) return value;
    const kept: Kept<T> = { value, atMs: nowMs };
    this.keep(id, kept);
    value.then(
      (found) => void (kept.value = found),
      () => void (this.kept.get(id) === kept && this.kept.delete(id)),
    );
    return value;
  }

  stop(): void {
    this.subscription.stop();
  }

  private listen(): void {
    if (this.isHeard) return;
    void this.subscription.start().then(() => (this.isHeard = true));
  }

  private keep(id: string, kept: Kept<T>): void {
    this.kept.delete(id);
    this.kept.set(id, kept);
    if (this.kept.size <= MOST_KEPT) return;
    const [oldest] = this.kept.keys();
    this.kept.delete(oldest as string);
  }
}
