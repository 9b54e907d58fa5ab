import { hostname } from 'node:os';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type WorkerSettings, workerSettings } from '../config/slices.js';
import { HEARTBEAT_INTERVAL_MS, HEARTBEAT_TTL_MS, type WorkerRecord } from '../contract/worker-record.js';
import { VERSION } from '../lib/version.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { WorkerStateHolder } from './worker-state.js';
import { WorkerStatistics } from './worker-statistics.js';

/** What only other modules know of this worker; read at every beat. */
export type LiveDetails = Pick<
  WorkerRecord,
  | 'running'
  | 'lease'
  | 'runners'
  | 'isolation'
  | 'isolation_grade'
  | 'isolation_failed'
  | 'network'
  | 'runner_totals'
  | 'package_set'
  | 'packages'
  | 'workspace_generation'
>;

const RETRY_MS = 1_000;
const TOUCH_MS = 500;

/**
 * Writes this worker's sign of life: every 10 s, and at once when its state changes or Redis comes
 * back. A beat that fails is repeated after a second. Gone from Redis 30 s after the last beat, or
 * with a clean stop.
 */
@Injectable()
export class HeartbeatService {
  private readonly logger = new Logger(HeartbeatService.name);
  private readonly startedAt = new Date().toISOString();
  private details: () => LiveDetails = () => ({
    running: 0,
    runners: [],
    package_set: null,
    workspace_generation: null,
  });
  private timer: NodeJS.Timeout | null = null;
  private dueAtMs = 0;
  private lastBeatMs: number | null = null;
  private beating = false;
  private touched = false;
  private saidTwin = false;
  private readonly beatNow = (): void => this.schedule(0);

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(workerSettings) private readonly settings: WorkerSettings,
    private readonly state: WorkerStateHolder,
    private readonly statistics: WorkerStatistics,
  ) {
    state.onChange(() => this.beating && this.beatNow());
  }

  async start(details: () => LiveDetails): Promise<void> {
    if (this.beating) return;
    this.beating = true;
    this.details = details;
    this.redis.on('ready', this.beatNow);
    await this.statistics.start(this.startedAt);
    // A stop in between wins: no record of this worker may follow it.
    if (this.beating) await this.beat();
  }

  /** Beats no more and removes what says that this worker is there; its statistics stay. */
  async stop(): Promise<void> {
    if (!this.beating) return;
    this.beating = false;
    this.cancel();
    this.redis.off('ready', this.beatNow);
    await this.statistics.stop();
    const id = this.settings.id;
    const keys = [this.keys.heartbeat(id), this.keys.workerType(id), this.keys.workerRecord(id)];
    await Promise.all([
      ...keys.map((key) => this.redis.del(key)),
      this.redis.zrem(this.keys.workers(), id),
    ]).catch(() => undefined);
  }

  /** The content of the record has changed: beats soon, at most twice a second. */
  touch(): void {
    if (!this.beating || this.touched) return;
    this.touched = true;
    this.schedule(TOUCH_MS);
  }

  /** Milliseconds since the last beat that Redis took; null before the first. */
  get ageMs(): number | null {
    return this.lastBeatMs === null ? null : performance.now() - this.lastBeatMs;
  }

  /** Whether other programs still see this worker as alive. */
  get isFresh(): boolean {
    return this.ageMs !== null && this.ageMs < HEARTBEAT_TTL_MS;
  }

  /** The next beat comes no later than in this time; what is due before stays due. */
  private schedule(delayMs: number): void {
    const dueAtMs = performance.now() + delayMs;
    if (this.timer && this.dueAtMs <= dueAtMs) return;
    this.cancel();
    this.dueAtMs = dueAtMs;
    this.timer = setTimeout(() => void this.beat(), delayMs);
  }

  private cancel(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private async beat(): Promise<void> {
    // What changes while this beat is on its way needs another one.
    this.cancel();
    this.touched = false;
    const sentAtMs = performance.now();
    const taken = await this.write().then(
      () => true,
      (error: Error) => {
        this.logger.debug(`heartbeat failed: ${error.message}`);
        return false;
      },
    );
    if (taken) this.lastBeatMs = sentAtMs;
    if (this.beating) this.schedule(taken ? HEARTBEAT_INTERVAL_MS : RETRY_MS);
  }

  private async write(): Promise<void> {
    const now = new Date();
    const { id, type } = this.settings;
    const record = JSON.stringify(this.describe(now));
    // Single commands, sent together: on Cluster the keys are in different slots.
    const [before] = await Promise.all([
      this.redis.get(this.keys.workerRecord(id)),
      this.redis.set(this.keys.heartbeat(id), now.toISOString(), 'PX', HEARTBEAT_TTL_MS),
      this.redis.set(this.keys.workerType(id), type, 'PX', HEARTBEAT_TTL_MS),
      this.redis.set(this.keys.workerRecord(id), record, 'PX', HEARTBEAT_TTL_MS),
      this.redis.zadd(this.keys.workers(), now.getTime(), id),
    ]);
    this.lookForTwin(before);
  }

  /** Before the first beat the record may be that of a former process, which was killed. */
  private lookForTwin(before: string | null): void {
    if (this.lastBeatMs === null || before === null || this.saidTwin) return;
    const { started_at: startedAt, host, pid } = JSON.parse(before) as WorkerRecord;
    if (startedAt === this.startedAt && host === hostname() && pid === process.pid) return;
    this.saidTwin = true;
    this.logger.warn({
      msg: 'another worker has the same id',
      other: { host, pid, started_at: startedAt },
      consequence:
        'lists and metrics show one of the two, and commands for one reach both; executions are not affected',
    });
  }

  private describe(now: Date): WorkerRecord {
    return {
      id: this.settings.id,
      type: this.settings.type,
      state: this.state.current,
      version: VERSION,
      host: hostname(),
      pid: process.pid,
      concurrency: this.settings.concurrency,
      started_at: this.startedAt,
      heartbeat_at: now.toISOString(),
      ...this.details(),
    };
  }
}
