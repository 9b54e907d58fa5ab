import { Inject, Injectable } from '@nestjs/common';
import { type LogEvent, logEventOf } from '../../contract/log-stream.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { IMPATIENT_REDIS } from '../../redis/redis.module.js';

/** A part of a log stream. */
export interface LogPage {
  events: LogEvent[];
  /** Id of the last entry, also of one that is no event here; null where there was none. */
  last: string | null;
  /** Characters of all fields together. */
  chars: number;
}

/** Reads log streams; writing them is the business of the writer. Every method fails within a second without Redis. */
@Injectable()
export class LogStore {
  private readonly reads = new Map<string, Promise<LogPage>>();

  constructor(
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** Whether there is a stream; it expires before the result does. */
  async exists(executionId: string): Promise<boolean> {
    return (await this.redis.exists(this.keys.logs(executionId))) === 1;
  }

  /** The entry of this id, or null where it is gone or never was. */
  async find(executionId: string, id: string): Promise<LogEvent | null> {
    const entries = await this.redis.xrange(this.keys.logs(executionId), id, id);
    return pageOf(entries).events[0] ?? null;
  }

  /** Up to `count` entries after the one of the id `after`; null: from the first that is left. */
  read(executionId: string, after: string | null, count: number): Promise<LogPage> {
    const key = this.keys.logs(executionId);
    // All watchers of an execution ask the same, at the same moment.
    const question = `${key} ${after} ${count}`;
    const known = this.reads.get(question);
    if (known) return known;
    const reading = this.redis
      .xrange(key, after === null ? '-' : `(${after}`, '+', 'COUNT', count)
      .then(pageOf)
      .finally(() => this.reads.delete(question));
    this.reads.set(question, reading);
    return reading;
  }
}

function pageOf(entries: readonly [id: string, fields: string[]][]): LogPage {
  const events: LogEvent[] = [];
  let chars = 0;
  for (const [id, list] of entries) {
    const fields: Record<string, string> = {};
    for (let index = 0; index < list.length; index += 2) {
      fields[list[index] as string] = list[index + 1] as string;
      chars += (list[index] as string).length + (list[index + 1] as string).length;
    }
    const event = logEventOf(id, fields);
    if (event) events.push(event);
  }
  return { events, last: entries.at(-1)?.[0] ?? null, chars };
}
