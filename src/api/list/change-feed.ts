import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type LogSettings, logSettings } from '../../config/slices.js';
import type { Change } from '../../contract/api/changes.js';
import { Bell } from '../../lib/bell.js';
import { pause } from '../../lib/time-limit.js';
import { compareIds, QueueChanges } from '../../queue/queue-changes.js';
import type { RedisClient } from '../../redis/connections.js';
import { ProblemException } from '../http/problem.js';

/** Changes that are held for readers that are a little late; others read the stream themselves. */
const HELD = 4_000;
const READ_AT_ONCE = 500;
const BLOCK_MS = 5_000;
const RETRY_MS = 500;
/** How often a reader without news lets its client see that it is connected. */
const IDLE_MS = 2_000;
const RETRY_AFTER_SECONDS = '5';

/**
 * Follows what happens to executions, for any number of readers:
 * 1. One reading of the queue's events for the whole process, while there is a reader.
 * 2. The latest changes are held in memory. A reader that is further back reads Redis by itself, at its own pace.
 * 3. What Redis has dropped before it was read is reported as a gap.
 */
@Injectable()
export class ChangeFeed implements BeforeApplicationShutdown {
  private readonly closing = new AbortController();
  private readonly bells = new Set<Bell>();
  private held: Change[] = [];
  /** Everything after this event, up to `position`, is in `held`. */
  private since: string | null = null;
  private position = '0-0';
  private connection: RedisClient | null = null;

  constructor(
    private readonly changes: QueueChanges,
    @InjectSettings(logSettings) private readonly settings: Pick<LogSettings, 'readersLimit'>,
  ) {}

  beforeApplicationShutdown(): void {
    this.closing.abort();
    this.connection?.disconnect();
  }

  /** Everything that happens from now on reaches the readers. */
  get isReading(): boolean {
    return this.since !== null;
  }

  /** @throws {ProblemException} 503 with Retry-After when there are as many readers as may be. */
  refuseTooMany(): void {
    if (this.bells.size < this.settings.readersLimit) return;
    throw new ProblemException(
      'unavailable',
      `${this.bells.size} readers follow executions, and more may not (LOG_READERS_LIMIT): try again later, or read the list`,
      { headers: { 'retry-after': RETRY_AFTER_SECONDS } },
    );
  }

  /**
   * Yields changes after an event, or from now on, as they come, and an empty batch at least every two seconds.
   * Returns when `signal` aborts, or at the shutdown.
   */
  async *follow(after: string | null, signal: AbortSignal): AsyncGenerator<readonly Change[]> {
    const ended = AbortSignal.any([signal, this.closing.signal]);
    const bell = new Bell(ended);
    this.bells.add(bell);
    try {
      let from = after;
      while (!ended.aborted) {
        try {
          from ??= await this.changes.latest();
          this.start();
          const { changes, last } = await this.next(from);
          from = last;
          yield changes;
          if (changes.length === 0) await bell.wait(IDLE_MS);
        } catch {
          // Redis is away; the reader goes on where it was.
          yield [];
          await bell.wait(RETRY_MS);
        }
      }
    } finally {
      this.bells.delete(bell);
      bell.close();
      if (this.bells.size === 0) this.stop();
    }
  }

  private async next(from: string): Promise<{ changes: readonly Change[]; last: string }> {
    if (this.since !== null && compareIds(from, this.since) >= 0) {
      const index = this.held.findIndex(({ id }) => compareIds(id, from) > 0);
      const changes = index === -1 ? [] : this.held.slice(index, index + READ_AT_ONCE);
      const isAll = changes.at(-1) === this.held.at(-1);
      const last = isAll && compareIds(this.position, from) > 0 ? this.position : from;
      return { changes, last: isAll ? last : (changes.at(-1)?.id ?? last) };
    }
    const [lost, { changes, last }] = await Promise.all([
      this.changes.hasLost(from),
      this.changes.readAfter(from, READ_AT_ONCE),
    ]);
    const gap: Change[] = lost ? [{ type: 'gap', id: from, at: new Date().toISOString() }] : [];
    return { changes: [...gap, ...changes], last: last ?? from };
  }

  private start(): void {
    if (this.connection) return;
    const connection = this.changes.connect();
    this.connection = connection;
    void this.read(connection);
  }

  private stop(): void {
    this.connection?.disconnect();
    this.connection = null;
    this.since = null;
    this.held = [];
  }

  private async read(connection: RedisClient): Promise<void> {
    while (this.connection === connection && !this.closing.signal.aborted) {
      try {
        if (this.since === null) {
          this.position = await this.changes.latest();
          if (this.connection !== connection) return;
          this.since = this.position;
        }
        const { changes, last } = await this.changes.waitAfter(
          connection,
          this.position,
          READ_AT_ONCE,
          BLOCK_MS,
        );
        if (last === null || this.connection !== connection) continue;
        this.hold(changes);
        this.position = last;
        for (const bell of this.bells) bell.ring();
      } catch {
        if (this.connection === connection) await pause(RETRY_MS, this.closing.signal);
      }
    }
  }

  private hold(changes: readonly Change[]): void {
    const all = [...this.held, ...changes];
    const dropped = all.length > HELD ? all.slice(0, -HELD).at(-1) : undefined;
    if (dropped) this.since = dropped.id;
    this.held = dropped ? all.slice(-HELD) : all;
  }
}
