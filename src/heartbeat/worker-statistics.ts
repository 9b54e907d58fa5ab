import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import type { ExecutionResult, ExecutionStatus } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';

const FLUSH_MS = 200;
const TTL_SECONDS = 604_800;

const FIELDS: Readonly<Record<ExecutionStatus, string>> = {
  succeeded: 'completed',
  failed: 'failed',
  timed_out: 'timed_out',
  cancelled: 'cancelled',
};

/**
 * Counts what this worker did, in `worker:{id}:stats`. Counts are gathered and written a few times a
 * second in one round trip; while Redis is away they wait, and they are written at a clean stop.
 */
@Injectable()
export class WorkerStatistics {
  private readonly logger = new Logger(WorkerStatistics.name);
  private readonly counts = new Map<string, number>();
  private lastExecutionAt: string | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
  ) {}

  /** Counts one ended execution. */
  record(outcome: Pick<ExecutionResult, 'status' | 'duration_ms' | 'finished_at'>): void {
    this.add(FIELDS[outcome.status], 1);
    this.add('total_duration_ms', Math.round(outcome.duration_ms));
    this.lastExecutionAt = outcome.finished_at;
    this.schedule();
  }

  /** Writes when this worker started. */
  async start(startedAt: string): Promise<void> {
    this.stopped = false;
    const key = this.keys.workerStats(this.settings.id);
    await this.redis
      .multi()
      .hset(key, 'started_at', startedAt)
      .expire(key, TTL_SECONDS)
      .exec()
      .catch(() => undefined);
  }

  /** Writes what is still gathered. */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    await this.flush();
  }

  private add(field: string, amount: number): void {
    this.counts.set(field, (this.counts.get(field) ?? 0) + amount);
  }

  private schedule(): void {
    if (this.stopped) return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      void this.flush();
    }, FLUSH_MS);
  }

  private async flush(): Promise<void> {
    if (this.counts.size === 0) return;
    const key = this.keys.workerStats(this.settings.id);
    const batch = [...this.counts];
    this.counts.clear();
    // A transaction: all or nothing, so that a failed flush can be repeated without counting twice.
    const transaction = this.redis.multi();
    for (const [field, amount] of batch) transaction.hincrby(key, field, amount);
    transaction.hset(key, 'last_execution_at', this.lastExecutionAt ?? '');
    transaction.expire(key, TTL_SECONDS);
    try {
      await transaction.exec();
    } catch (error) {
      this.logger.debug(`statistics wait: ${(error as Error).message}`);
      for (const [field, amount] of batch) this.add(field, amount);
      this.schedule();
    }
  }
}
