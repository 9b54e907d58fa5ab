import { Inject, Injectable } from '@nestjs/common';
import type { Forgettable } from './archive-eraser.js';
import type { ExecutionResult } from '../../contract/result.js';
import { feedNameOf, parseFeedName } from '../../results/archive-feed.js';
import { SEARCHED_CONTEXT_BYTES, searchedParameters } from '../../results/search/searched-parameters.js';
import type { RedisClient } from '../../redis/connections.js';
import { RedisKeys } from '../../redis/keys.js';
import { LuaScript } from '../../redis/lua-script.js';
import { isWrongType } from '../../redis/text-key.js';
import { IMPATIENT_REDIS, PATIENT_REDIS } from '../../redis/redis.module.js';

/** A result that waits for the archive. */
export interface FeedEntry {
  /** Null for one that the stream has dropped. */
  entryId: string | null;
  executionId: string;
  /** Which run of it. */
  run: number;
  /** The document, or '' when it is to be read from the result itself. */
  document: string;
}

/** Backlog of the archive. */
export interface FeedGap {
  /** Results that are not archived. */
  waiting: number;
  /** Those of them that the stream holds; what is beyond is fetched from the results while they last. */
  inStream: number;
  /** Since when the oldest waits; null when none does. */
  oldest: Date | null;
  /** Results that expired before any archive had them. */
  lost: number;
}

const GROUP = 'archive';
/** Longer than the time between settling a result and leaving it in the stream. */
const SETTLING_MS = 5_000;
const SCAN_COUNT = 100;
const SWEEP_LOCK_MS = 30_000;
/** A consumer without entries that was idle this long is removed. */
const CONSUMER_KEEP_MS = 3_600_000;

/** KEYS feed, waiting, figures; ARGV entry ids ('' for none) and names by turns, the last one '1' when they are lost -> how many still waited */
const DONE = new LuaScript(`
local lost = ARGV[#ARGV] == '1'
local waited = 0
for i = 1, #ARGV - 1, 2 do
  if ARGV[i] ~= '' then
    redis.call('XACK', KEYS[1], '${GROUP}', ARGV[i])
    redis.call('XDEL', KEYS[1], ARGV[i])
  end
  waited = waited + redis.call('ZREM', KEYS[2], ARGV[i + 1])
end
if lost and waited > 0 then redis.call('HINCRBY', KEYS[3], 'lost', waited) end
return waited
`);

/** KEYS feed, waiting; ARGV ms that a result may take to the stream, how many -> ids that wait and are in the stream no more */
const DROPPED = new LuaScript(`
local time = redis.call('TIME')
local before = time[1] * 1000 + math.floor(time[2] / 1000) - ARGV[1]
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if first then before = math.min(before, tonumber(string.match(first[1], '^%d+')) - 1) end
return redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', before, 'LIMIT', 0, ARGV[2])
`);

type RawEntry = [id: string, fields: string[] | null];

/** The archive's end of the feed, see results/archive-feed.ts: reads it as one of a group, and clears what is done. */
@Injectable()
export class FeedStore {
  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    @Inject(IMPATIENT_REDIS) private readonly impatient: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  /** A connection for {@link read}, which can do nothing else meanwhile. */
  openReader(): RedisClient {
    const reader = (this.redis as { duplicate(): RedisClient }).duplicate();
    reader.on('error', () => undefined);
    return reader;
  }

  /** Makes the group, where it is missing; it begins with the oldest entry. */
  async join(): Promise<void> {
    try {
      await this.redis.xgroup('CREATE', this.keys.archiveFeed(), GROUP, '0', 'MKSTREAM');
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error;
    }
  }

  /** Entries that no consumer has had yet; waits for some. */
  async read(reader: RedisClient, consumer: string, count: number, blockMs: number): Promise<FeedEntry[]> {
    const reply = await reader.xreadgroup(
      'GROUP',
      GROUP,
      consumer,
      'COUNT',
      count,
      'BLOCK',
      blockMs,
      'STREAMS',
      this.keys.archiveFeed(),
      '>',
    );
    return (reply ?? []).flatMap(([, entries]) => entries.flatMap(parse));
  }

  /** Takes over entries that a consumer did not finish within this time: it is dead, or cannot write. */
  async claim(consumer: string, idleMs: number, count: number): Promise<FeedEntry[]> {
    const feed = this.keys.archiveFeed();
    const [, entries] = (await this.redis.xautoclaim(feed, GROUP, consumer, idleMs, '0', 'COUNT', count)) as [
      string,
      RawEntry[],
    ];
    return entries.flatMap(parse);
  }

  /** Forgets consumers that are gone and have left nothing. */
  async tidyConsumers(): Promise<void> {
    const consumers = (await this.redis.xinfo('CONSUMERS', this.keys.archiveFeed(), GROUP)) as (
      | string
      | number
    )[][];
    for (const fields of consumers) {
      const about = Object.fromEntries(
        Array.from({ length: fields.length / 2 }, (_, n) => [fields[2 * n], fields[2 * n + 1]]),
      );
      if (about['pending'] !== 0 || Number(about['idle']) < CONSUMER_KEEP_MS) continue;
      await this.redis.xgroup('DELCONSUMER', this.keys.archiveFeed(), GROUP, String(about['name']));
    }
  }

  /** The result of a run as it stands in Redis; null when it has expired or was deleted. */
  async document(executionId: string, run: number): Promise<string | null> {
    const standing = await this.redis.get(this.keys.result(executionId));
    if (standing !== null && runOf(standing) === run) return standing;
    return this.redis.get(this.keys.formerResult(executionId, run));
  }

  /** What an execution is found by in its parameters; '' where its context is large, gone, no text, or that of a schedule. */
  async parameters(executionId: string): Promise<string> {
    const key = this.keys.context(executionId);
    try {
      if ((await this.redis.strlen(key)) > SEARCHED_CONTEXT_BYTES) return '';
      const document = await this.redis.get(key);
      return document === null ? '' : await searchedParameters(document);
    } catch (error) {
      // Else the archive would stand still at it.
      if (isWrongType(error)) return '';
      throw error;
    }
  }

  /** These are archived, or, when `lost`, cannot be any more. */
  async done(entries: readonly FeedEntry[], { lost = false } = {}): Promise<void> {
    if (entries.length === 0) return;
    const args = entries.flatMap(({ entryId, executionId, run }) => [
      entryId ?? '',
      feedNameOf(executionId, run),
    ]);
    await DONE.run(this.redis, this.feedKeys(), [...args, lost ? '1' : '0']);
  }

  /** Results that wait and that the stream does not hold, the oldest first. */
  async dropped(count: number): Promise<FeedEntry[]> {
    const ids = (await DROPPED.run(this.redis, this.feedKeys().slice(0, 2), [
      SETTLING_MS,
      count,
    ])) as string[];
    return ids.map((name) => ({ entryId: null, ...parseFeedName(name), document: '' }));
  }

  /** Whether this process may look for dropped results now: one at a time is enough. */
  async takeSweep(owner: string): Promise<boolean> {
    return (await this.redis.set(this.keys.archiveSweep(), owner, 'PX', SWEEP_LOCK_MS, 'NX')) === 'OK';
  }

  async leaveSweep(): Promise<void> {
    await this.redis.del(this.keys.archiveSweep());
  }

  /** The results of an organization that wait for the archive. */
  async waitingOf(organization: string): Promise<Forgettable[]> {
    const found = new Map<string, Forgettable>();
    let cursor = '0';
    do {
      const [next, pairs] = await this.redis.zscan(this.keys.archiveWaiting(), cursor, 'COUNT', SCAN_COUNT);
      cursor = next;
      for (let at = 0; at < pairs.length; at += 2) {
        const { executionId, run } = parseFeedName(pairs[at] as string);
        const text = await this.document(executionId, run);
        const result = text === null ? null : (JSON.parse(text) as Partial<ExecutionResult>);
        if (result?.organization?.id !== organization) continue;
        const { finished_at: finishedAt = null, started_at: startedAt = new Date().toISOString() } = result;
        found.set(executionId, { executionId, finishedAt, startedAt });
      }
    } while (cursor !== '0');
    return [...found.values()];
  }

  /** Takes results out of the feed, whatever state they are in there. */
  async drop(executionIds: ReadonlySet<string>): Promise<void> {
    if (executionIds.size === 0) return;
    await this.done([...executionIds].map((executionId) => ({ ...NOT_IN_STREAM, executionId, run: 1 })));
    await this.dropFurtherRuns(executionIds);
    let from = '-';
    for (;;) {
      const raw = await this.redis.xrange(this.keys.archiveFeed(), from, '+', 'COUNT', SCAN_COUNT);
      const entries = raw.flatMap(parse);
      await this.done(entries.filter(({ executionId }) => executionIds.has(executionId)));
      const last = entries.at(-1);
      if (raw.length < SCAN_COUNT || !last) return;
      from = `(${last.entryId ?? ''}`;
    }
  }

  /** Their names in the feed are not known beforehand. */
  private async dropFurtherRuns(executionIds: ReadonlySet<string>): Promise<void> {
    let cursor = '0';
    do {
      const [next, pairs] = await this.redis.zscan(this.keys.archiveWaiting(), cursor, 'COUNT', SCAN_COUNT);
      cursor = next;
      const names = pairs.filter((_name, index) => index % 2 === 0).map(parseFeedName);
      const wanted = names.filter(({ executionId, run }) => run > 1 && executionIds.has(executionId));
      await this.done(wanted.map((name) => ({ ...NOT_IN_STREAM, ...name })));
    } while (cursor !== '0');
  }

  /** Throws within a second when Redis does not answer. */
  async gap(): Promise<FeedGap> {
    const [waiting, inStream, [, oldest], lost] = await Promise.all([
      this.impatient.zcard(this.keys.archiveWaiting()),
      this.impatient.xlen(this.keys.archiveFeed()),
      this.impatient.zrange(this.keys.archiveWaiting(), '0', '0', 'WITHSCORES'),
      this.impatient.hget(this.keys.archiveFigures(), 'lost'),
    ]);
    return {
      waiting,
      inStream,
      oldest: oldest === undefined ? null : new Date(Number(oldest)),
      lost: Number(lost ?? 0),
    };
  }

  private feedKeys(): string[] {
    return [this.keys.archiveFeed(), this.keys.archiveWaiting(), this.keys.archiveFigures()];
  }
}

const NOT_IN_STREAM = { entryId: null, document: '' } as const;

const runOf = (document: string): number => (JSON.parse(document) as Partial<ExecutionResult>).run ?? 1;

/** An entry without fields was trimmed away while it was pending. */
function parse([entryId, fields]: RawEntry): FeedEntry[] {
  if (!fields) return [];
  const { id, document } = Object.fromEntries(
    Array.from({ length: fields.length / 2 }, (_, n) => [fields[2 * n], fields[2 * n + 1]]),
  ) as { id?: string; document?: string };
  return id === undefined ? [] : [{ entryId, ...parseFeedName(id), document: document ?? '' }];
}
