import { setTimeout as sleep } from 'node:timers/promises';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { InjectSettings } from '../../config/config.module.js';
import { type LogSettings, logSettings } from '../../config/slices.js';
import type { ExecutionStatus } from '../../contract/result.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';
import { ExecutionUpdates } from '../clients/execution-updates.js';
import { ExecutionLog, type LogRecord, type LogSender } from './execution-log.js';
import { APPEND } from './log-script.js';

/** How often logs are sent; what is printed reaches Redis up to this much later. */
const TICK_MS = 50;
/**
 * What all executions together send in one tick, which is 10,000 entries a second: an execution that prints
 * without end waits for its turn instead of taking the worker's and Redis's time from the others.
 */
const TICK_RECORDS = 500;
const TICK_CHARS = 2_097_152;
/** After a failure Redis is asked less often. */
const RETRY_MS = 250;
/** After Redis has failed for this time, executions print on without waiting for it. */
const PATIENCE_MS = 1_500;
/** How long the end of an execution waits for its last entries. */
const END_LIMIT_MS = 2_000;

/**
 * Streams what executions print and how far they are to `bifrost:logs:{execution_id}`.
 *
 * 1. Entries wait in a bounded queue for each execution; a full one makes the execution wait, not the memory grow.
 * 2. Every 50 ms, while there is something, each execution that has entries sends its share of the tick.
 * 3. A batch that fails is sent again and never twice into the stream.
 * 4. While Redis is away executions go on; what finds no room is counted and reported as `dropped`.
 */
@Injectable()
export class LogWriter implements LogSender {
  private readonly logger = new Logger(LogWriter.name);
  /** By execution: the logs of attempts that are under way. */
  private readonly logs = new Map<string, ExecutionLog>();
  /** Logs that have entries; written by them and by the tick. */
  private readonly waiting = new Set<ExecutionLog>();
  private timer: NodeJS.Timeout | null = null;
  private failingSinceMs: number | null = null;
  isAway = false;

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    private readonly updates: ExecutionUpdates,
    @InjectSettings(logSettings) private readonly settings: LogSettings,
  ) {}

  /** Entries also have the fields that the engine reads. */
  get hasEngineFields(): boolean {
    return this.settings.hasEngineFields;
  }

  get workerId(): string {
    return this.settings.workerId;
  }

  /** Begins the log of an attempt, which is the only one of its execution here; {@link close} or {@link end} it. */
  open(executionId: string, attempt: number): ExecutionLog {
    const log = new ExecutionLog(executionId, attempt, this);
    this.logs.set(executionId, log);
    log.start();
    return log;
  }

  /** The execution has its result: sends what waits and the end, also of an attempt that never began. Never rejects. */
  async end(executionId: string, attempt: number, status: ExecutionStatus): Promise<void> {
    const log = this.logs.get(executionId) ?? new ExecutionLog(executionId, attempt, this);
    this.logs.delete(executionId);
    log.end(status);
    await this.complete(log);
  }

  /** As {@link end}, to be sent by another command; null: it cannot go as a whole. */
  endWith(executionId: string, status: ExecutionStatus): LogEnd | null {
    const log = this.logs.get(executionId);
    const records = log?.takeAll(status, TICK_RECORDS, TICK_CHARS);
    if (!log || !records) return null;
    log.busy = true;
    // Nothing of it is for the tick, however long the other command takes.
    this.waiting.delete(log);
    const [start, end] = records as [LogRecord, LogRecord];
    const isSilent = records.length === 2 && start.n === 1;
    const { attempt, run } = log;
    return {
      attempt,
      run,
      entries: isSilent
        ? { kind: 'silent', startedAt: tsOf(start), endedAt: tsOf(end) }
        : { kind: 'batch', numbers: numbersOf(records), fields: fieldsOf(records) },
      sent: () => {
        log.busy = false;
        this.logs.delete(executionId);
        this.updates.logged(executionId, records);
      },
      unsent: () => {
        log.busy = false;
        log.reopen(records);
      },
    };
  }

  /** The attempt is over, if one is open: sends what waits. Never rejects. */
  async close(executionId: string): Promise<void> {
    const log = this.logs.get(executionId);
    this.logs.delete(executionId);
    if (log) await this.complete(log);
  }

  /** Takes two seconds at most. */
  private async complete(log: ExecutionLog): Promise<void> {
    const deadline = performance.now() + END_LIMIT_MS;
    while (log.busy || !log.isEmpty) {
      if (!log.busy && (await this.send(log, TICK_RECORDS, TICK_CHARS))) continue;
      if (performance.now() > deadline) {
        this.logger.warn({ msg: 'the log of an execution is not complete', executionId: log.executionId });
        break;
      }
      await sleep(TICK_MS / 10);
    }
    this.waiting.delete(log);
    log.makeRoom();
  }

  enter(log: ExecutionLog): void {
    this.waiting.add(log);
    this.timer ??= setTimeout(() => void this.tick(), TICK_MS);
  }

  private async tick(): Promise<void> {
    const logs = [...this.waiting];
    const records = Math.ceil(TICK_RECORDS / logs.length);
    const chars = Math.ceil(TICK_CHARS / logs.length);
    const due = logs.filter((log) => !log.busy && !log.waitsForMore());
    await Promise.all(due.map((log) => this.send(log, records, chars)));
    for (const log of logs) if (log.isEmpty && !log.busy) this.waiting.delete(log);
    const nextMs = this.failingSinceMs === null ? TICK_MS : RETRY_MS;
    this.timer = this.waiting.size === 0 ? null : setTimeout(() => void this.tick(), nextMs);
  }

  /** Sends a batch; false where Redis did not take it. */
  private async send(log: ExecutionLog, maxRecords: number, maxChars: number): Promise<boolean> {
    const batch = log.take(maxRecords, maxChars);
    if (batch.length === 0) return true;
    log.busy = true;
    try {
      const trimmed = await APPEND.run(
        this.redis,
        [this.keys.logs(log.executionId)],
        this.argsOf(log, batch),
      );
      this.updates.logged(log.executionId, batch);
      if (trimmed === 1) log.noteTruncated();
      this.noteSuccess();
      return true;
    } catch (error) {
      log.putBack(batch);
      this.noteFailure(error as Error);
      return false;
    } finally {
      log.busy = false;
    }
  }

  private argsOf({ attempt, run }: ExecutionLog, batch: readonly LogRecord[]): (string | number)[] {
    const { streamLimitBytes, ttlSeconds } = this.settings;
    return [attempt, numbersOf(batch), fieldsOf(batch), streamLimitBytes, ttlSeconds, run];
  }

  private noteSuccess(): void {
    this.failingSinceMs = null;
    this.isAway = false;
  }

  private noteFailure({ message }: Error): void {
    this.failingSinceMs ??= performance.now();
    if (performance.now() - this.failingSinceMs < PATIENCE_MS) return;
    if (!this.isAway)
      this.logger.warn({ msg: 'Redis does not take logs; executions go on', reason: message });
    this.isAway = true;
    for (const log of this.waiting) log.makeRoom();
  }
}

/** The end of a log that another command sends. */
export interface LogEnd {
  attempt: number;
  /** Of the log: see execution-log.ts. */
  run: string;
  /** `silent`: nothing was printed, and nothing is in the stream yet. In JSON: the `n` of each entry, and their fields. */
  entries:
    | { kind: 'silent'; startedAt: string; endedAt: string }
    | { kind: 'batch'; numbers: string; fields: string };
  /** It is sent. */
  sent(): void;
  /** It is not, and the log is as it was. */
  unsent(): void;
}

const numbersOf = (batch: readonly LogRecord[]): string => JSON.stringify(batch.map(({ n }) => n));
const fieldsOf = (batch: readonly LogRecord[]): string => JSON.stringify(batch.map(({ fields }) => fields));
/** Its second field: see execution-log.ts. */
const tsOf = ({ fields }: LogRecord): string => fields[3] as string;
