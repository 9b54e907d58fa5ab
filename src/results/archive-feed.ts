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

/** Lua: leaves a result for the archive -> Unix milliseconds, which are also in the id of its entry. */
export const LEAVE_IN_FEED = `
local function leaveInFeed(feed, waiting, length, name, document)
  local id = redis.call('XADD', feed, 'MAXLEN', '~', length, '*', 'id', name, 'document', document)
  local at = string.match(id, '^%d+')
  redis.call('ZADD', waiting, at, name)
  return tonumber(at)
end
`;

/** Lua: what waits longer than results live has no result any more, and is counted as lost -> how many did. */
export const COUNT_LOST = `
local function countLost(waiting, figures, at, ttlSeconds)
  local lost = redis.call('ZREMRANGEBYSCORE', waiting, '-inf', at - ttlSeconds * 1000)
  if lost > 0 then redis.call('HINCRBY', figures, 'lost', lost) end
  return lost
end
`;

/** KEYS feed, waiting, figures; ARGV length of the stream, ttl of results in seconds, then name and document or '' of each result -> how many others were lost */
export const APPEND = new LuaScript(`${LEAVE_IN_FEED}${COUNT_LOST}
local at
for i = 3, #ARGV, 2 do at = leaveInFeed(KEYS[1], KEYS[2], ARGV[1], ARGV[i], ARGV[i + 1]) end
return countLost(KEYS[2], KEYS[3], at, ARGV[2])
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
