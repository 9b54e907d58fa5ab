import { engineLevel, engineLogFields } from '../../contract/clients/engine.js';
import type { ExecutionProgress, ExecutionStatus, LogEntry } from '../../contract/result.js';
import type { LogEntryType } from '../../contract/log-stream.js';
import { isoTime } from '../../lib/text/iso-time.js';

/** One entry on its way to the stream. */
export interface LogRecord {
  n: number;
  type: LogEntryType;
  /** Field, value, field, value …, as the stream takes it. */
  fields: string[];
  chars: number;
}

/** What sends the entries. */
export interface LogSender {
  readonly workerId: string;
  /** Entries also have the fields that the engine reads. */
  readonly hasEngineFields: boolean;
  /** Redis has not taken anything for a while: no execution waits for it. */
  readonly isAway: boolean;
  /** This log has entries. */
  enter(log: ExecutionLog): void;
}

/** From this size on, writers are asked to wait. */
const FULL_RECORDS = 1_000;
const FULL_CHARS = 1_048_576;
/** Entries of writers that do not wait are kept up to this many times that size, then dropped. */
const OVERFLOW = 4;

/**
 * The log of one attempt on its way to Redis: a bounded queue. A writer that fills it is asked to wait; one that
 * does not, or may not because Redis is away, loses entries, and the log says how many.
 */
export class ExecutionLog {
  /** Distinguishes this from another try at the same attempt, after one was handed back. */
  readonly run = Math.floor(Math.random() * 2 ** 32)
    .toString(16)
    .padStart(8, '0');
  /** A batch is on its way. */
  busy = false;
  private records: LogRecord[] = [];
  private chars = 0;
  private lastN = 0;
  private dropped = 0;
  private truncated = false;
  private ended = false;
  private hasWaited = false;
  private room: { promise: Promise<void>; resolve: () => void } | null = null;

  constructor(
    readonly executionId: string,
    readonly attempt: number,
    private readonly sender: LogSender,
  ) {}

  get isEmpty(): boolean {
    return this.records.length === 0 && this.dropped === 0;
  }

  /** Once, of a log that has its start alone: what ends at once is sent as a whole. */
  waitsForMore(): boolean {
    const waits = !this.hasWaited && this.lastN === 1;
    this.hasWaited = true;
    return waits;
  }

  start(): void {
    this.push('start', isoTime(Date.now()), ['worker', this.sender.workerId]);
  }

  /** A promise: the queue is full, wait until it settles before more is added. */
  add(entry: LogEntry): Promise<void> | null {
    const { ts, level, stream, message, partial, fields } = entry;
    const { hasEngineFields } = this.sender;
    if (this.isOver(OVERFLOW) || (this.sender.isAway && this.isOver(1))) {
      this.dropped += 1;
      this.lastN += 1;
      return null;
    }
    const own = [
      'level',
      hasEngineFields ? engineLevel(level) : level,
      'stream',
      stream,
      'message',
      message.toWellFormed(),
    ];
    if (partial) own.push('partial', '1');
    if (fields !== undefined) own.push('fields', JSON.stringify(fields));
    if (hasEngineFields) own.push(...engineLogFields(this.executionId, entry));
    this.push('log', ts, own);
    if (this.sender.isAway || !this.isOver(1)) return null;
    this.room ??= Promise.withResolvers<void>();
    return this.room.promise;
  }

  /** Of several in a row that wait only the newest is kept. */
  progress({ fraction, message }: ExecutionProgress): void {
    const last = this.records.at(-1);
    if (last?.type === 'progress') this.forgetLast();
    this.push('progress', isoTime(Date.now()), [
      'fraction',
      `${fraction}`,
      'message',
      (message ?? '').toWellFormed(),
    ]);
  }

  end(status: ExecutionStatus): void {
    this.ended = true;
    this.push('end', isoTime(Date.now()), ['status', status]);
  }

  /** Takes back what {@link end} added and {@link takeAll} took: nothing of it was sent. */
  reopen(records: readonly LogRecord[]): void {
    this.ended = false;
    this.putBack(records);
    this.forgetLast();
  }

  /** All of it, with its end; null: it is not here as a whole, or larger than that. */
  takeAll(status: ExecutionStatus, maxRecords: number, maxChars: number): LogRecord[] | null {
    const { busy, dropped, ended, records, chars } = this;
    if (busy || dropped > 0 || ended || records.length >= maxRecords || chars > maxChars) return null;
    this.end(status);
    this.records = [];
    this.chars = 0;
    this.makeRoom();
    return records;
  }

  /** Takes the oldest entries out, at least one; {@link putBack} returns them where they could not be sent. */
  take(maxRecords: number, maxChars: number): LogRecord[] {
    if (this.dropped > 0 && !this.sender.isAway) this.recordDropped();
    let count = 0;
    for (let chars = 0; count < this.records.length && count < maxRecords; count += 1) {
      chars += (this.records[count] as LogRecord).chars;
      if (chars > maxChars && count > 0) break;
    }
    const taken = this.records.slice(0, count);
    this.records = this.records.slice(count);
    for (const { chars } of taken) this.chars -= chars;
    if (!this.isOver(0.5)) this.makeRoom();
    return taken;
  }

  putBack(records: readonly LogRecord[]): void {
    this.records = [...records, ...this.records];
    for (const { chars } of records) this.chars += chars;
  }

  /** The stream is full and loses its oldest entries from now on. */
  noteTruncated(): void {
    if (this.truncated || this.ended) return;
    this.truncated = true;
    this.push('truncated', isoTime(Date.now()), []);
  }

  /** Lets the waiting writers go on. */
  makeRoom(): void {
    this.room?.resolve();
    this.room = null;
  }

  private recordDropped(): void {
    const count = this.dropped;
    this.dropped = 0;
    // Before the end, which is the last.
    const end = this.records.at(-1)?.type === 'end' ? this.records.pop() : undefined;
    this.push('dropped', isoTime(Date.now()), ['count', `${count}`]);
    if (end) this.push('end', isoTime(Date.now()), end.fields.slice(FIELDS_OF_ALL));
  }

  private push(type: LogEntryType, ts: string, own: readonly string[]): void {
    const n = ++this.lastN;
    const fields = [
      'type',
      type,
      'ts',
      ts,
      'attempt',
      `${this.attempt}`,
      'run',
      this.run,
      'n',
      `${n}`,
      ...own,
    ];
    let chars = 0;
    for (const text of fields) chars += text.length;
    this.records.push({ n, type, fields, chars });
    this.chars += chars;
    this.sender.enter(this);
  }

  /** As if it had never been: a gap in the numbers means a loss. */
  private forgetLast(): void {
    this.chars -= this.records.pop()?.chars ?? 0;
    this.lastN -= 1;
  }

  private isOver(times: number): boolean {
    return this.records.length >= FULL_RECORDS * times || this.chars >= FULL_CHARS * times;
  }
}

/** type, ts, attempt, run and n with their names. */
const FIELDS_OF_ALL = 10;
