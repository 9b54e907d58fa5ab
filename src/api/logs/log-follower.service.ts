import { type BeforeApplicationShutdown, Injectable } from '@nestjs/common';
import { type LogEvent, logEventsOf } from '../../contract/log-stream.js';
import { Bell } from '../../lib/bell.js';
import { type LogPage, LogStore } from '../../results/logs/log-store.js';
import { ExecutionLookup } from '../executions/execution-lookup.service.js';
import { LogAnnouncements } from './log-announcements.js';

/** An announcement is lost when its connection breaks at that moment; then this finds the entries. */
const RECHECK_MS = 2_000;
/** After this many lookups that find nothing the follower ends: the job was removed, or all of it expired. */
const UNKNOWN_ROUNDS = 3;
/** After the result, wait this long for the end entry, then yield the end without it: the worker died between the two. */
const END_WAIT_MS = 5_000;
const RETRY_MS = 500;
/** Entries of one read, and about how many characters they may have: what one slow reader holds in memory. */
const MAX_COUNT = 500;
const FIRST_COUNT = 100;
const PAGE_CHARS = 262_144;

/** What a follower yields: entries, or none, which lets its reader send a keep-alive. */
export type LogBatch = readonly LogEvent[];

/**
 * Follows the log of an execution, from its queueing to its end:
 * 1. Announcements over Redis trigger reads; a slow re-check covers lost ones.
 * 2. Every follower reads for itself, at its own pace; those at the same place share the reading.
 * 3. Entries that were trimmed before they were read are reported as `truncated`.
 * 4. Where the stream lacks the end or has expired, the end comes from the result.
 */
@Injectable()
export class LogFollower implements BeforeApplicationShutdown {
  private readonly closing = new AbortController();

  constructor(
    private readonly store: LogStore,
    private readonly lookup: ExecutionLookup,
    private readonly announcements: LogAnnouncements,
  ) {}

  beforeApplicationShutdown(): void {
    this.closing.abort();
  }

  /**
   * Yields entries after `after` as they come, an empty batch at least every two seconds, and returns after
   * the end, when `signal` aborts, or at the shutdown.
   */
  async *follow(executionId: string, after: string | null, signal: AbortSignal): AsyncGenerator<LogBatch> {
    const ended = AbortSignal.any([signal, this.closing.signal]);
    const bell = new Bell(ended);
    const leave = await this.announcements.listen(executionId, () => bell.ring());
    const reader = new LogReader(executionId, after, this.store, this.lookup);
    try {
      while (!ended.aborted) {
        const batch = await reader.next().catch(() => null);
        yield batch ?? [];
        if (batch?.at(-1)?.type === 'end' || reader.isLost) return;
        if (batch === null) await bell.wait(RETRY_MS);
        else if (batch.length === 0) await bell.wait(RECHECK_MS);
      }
    } finally {
      leave();
      bell.close();
    }
  }
}

/** One follower's place in a log. */
class LogReader {
  private count = FIRST_COUNT;
  private previous: LogEvent | null = null;
  private begun = false;
  private endedSinceMs: number | null = null;
  private unknownRounds = 0;

  constructor(
    private readonly executionId: string,
    private after: string | null,
    private readonly store: LogStore,
    private readonly lookup: ExecutionLookup,
  ) {}

  /** Neither a log nor a result of the execution exists any more. */
  get isLost(): boolean {
    return this.unknownRounds >= UNKNOWN_ROUNDS;
  }

  /** What is there now. */
  async next(): Promise<LogEvent[]> {
    const page = await this.read();
    return page.last === null ? this.nextWithoutEntries() : this.take(page, page.last);
  }

  private read(): Promise<LogPage> {
    return this.store.read(this.executionId, this.after, this.count);
  }

  private async take(page: LogPage, last: string): Promise<LogEvent[]> {
    const lost = await this.hasLost(page);
    this.begun = true;
    this.endedSinceMs = null;
    this.after = last;
    this.previous = page.events.at(-1) ?? this.previous;
    this.count = Math.min(
      MAX_COUNT,
      Math.max(1, Math.floor((PAGE_CHARS * page.events.length) / (page.chars + 1))),
    );
    return lost && page.events[0] ? [truncation(page.events[0]), ...page.events] : page.events;
  }

  private async nextWithoutEntries(): Promise<LogEvent[]> {
    const progress = await this.lookup.find(this.executionId);
    if (progress.state === 'unknown') this.unknownRounds += 1;
    if (progress.state !== 'ended') return [];
    // All of its log may have come with its end, since it was read.
    const page = await this.read();
    if (page.last !== null) return this.take(page, page.last);
    const expired = this.after === null;
    this.endedSinceMs ??= performance.now();
    // The worker writes what was printed last, and the end, after the result: it is given time to.
    if (!expired && performance.now() - this.endedSinceMs < END_WAIT_MS) return [];
    const events = logEventsOf(progress.result);
    return expired ? events : events.slice(-1);
  }

  /** Whether entries between the last read and these are gone. */
  private async hasLost({ events: [first] }: LogPage): Promise<boolean> {
    if (!first) return false;
    if (this.begun) {
      const { previous } = this;
      const gap = previous?.run === first.run && first.n > previous.n + 1;
      return gap && (await this.store.find(this.executionId, this.after as string)) === null;
    }
    if (this.after === null) return first.n > 1;
    return (await this.store.find(this.executionId, this.after)) === null;
  }
}

const truncation = ({ attempt, run, ts }: LogEvent): LogEvent => ({
  type: 'truncated',
  id: null,
  attempt,
  run,
  n: 0,
  ts,
});
