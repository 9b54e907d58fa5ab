import { Inject, Injectable } from '@nestjs/common';
import { InjectSettings } from '../config/config.module.js';
import { type ResultSettings, resultSettings } from '../config/slices.js';
import { BatchSender } from '../lib/batch-sender.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { LuaScript } from '../redis/lua-script.js';
import { PATIENT_REDIS } from '../redis/redis.module.js';

/** Largest document that the stream carries whole; of a larger one the archive reads the result itself. */
export const INLINE_LIMIT_BYTES = 16_384;

/** Results that one command leaves at most. */
const MOST_AT_ONCE = 32;

/** Name by {@link feedNameOf}, and document or ''. */
type FeedItem = [string, string];

/**
 * KEYS feed, waiting, figures; ARGV length of the stream, ttl of results in seconds, then name and document or '' of each result.
 * An entry that waits longer than results live has no result any more: it is counted as lost.
 */
export const APPEND = new LuaScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #ARGV, 2 do
  redis.call('ZADD', KEYS[2], now, ARGV[i])
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'id', ARGV[i], 'document', ARGV[i + 1])
end
local lost = redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[2] * 1000)
if lost > 0 then redis.call('HINCRBY', KEYS[3], 'lost', lost) end
return lost
`);

/** Name of a result in the feed: its execution, and the run where that is not the first. */
export const feedNameOf = (executionId: string, run: number): string =>
  run === 1 ? executionId : `${executionId}\n${run}`;

/** Reads {@link feedNameOf}. */
export function parseFeedName(name: string): { executionId: string; run: number } {
  const [, executionId = name, run = '1'] = /^([^]*)\n(\d+)$/.exec(name) ?? [];
  return { executionId, run: Number(run) };
}

/**
 * Where results are left for the archive: a stream of bounded length, and beside it the ids of all
 * results that are not archived yet, so that those which the stream had to drop are found again.
 */
@Injectable()
export class ArchiveFeed {
  private readonly sender = new BatchSender((results: FeedItem[]) => this.send(results), MOST_AT_ONCE);

  constructor(
    @Inject(PATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
    @InjectSettings(resultSettings) private readonly settings: ResultSettings,
  ) {}

  /** Leaves a result, as the JSON text that stands in Redis. The same one again does no harm. */
  async append(executionId: string, run: number, document: string): Promise<void> {
    if (this.settings.feedLength === 0) return;
    const inline = Buffer.byteLength(document) <= INLINE_LIMIT_BYTES ? document : '';
    await this.sender.push([feedNameOf(executionId, run), inline]);
  }

  private async send(results: FeedItem[]): Promise<void> {
    const { feedLength: length, ttlSeconds } = this.settings;
    const keys = [this.keys.archiveFeed(), this.keys.archiveWaiting(), this.keys.archiveFigures()];
    await APPEND.run(this.redis, keys, [length, ttlSeconds, ...results.flat()]);
  }
}
