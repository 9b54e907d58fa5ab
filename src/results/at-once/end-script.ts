import type { BullScripts } from '../../redis/bull-scripts.js';
import { luaFunction, LuaScript, luaText } from '../../redis/lua-script.js';
import { APPEND as APPEND_TO_FEED } from '../archive-feed.js';
import { COUNT, COUNT_ARGS } from '../../tenants/usage/usage-counter.js';
import { SETTLE } from '../execution-scripts.js';
import { APPEND as APPEND_TO_LOG } from '../log-script.js';
import type { RedisKeys } from '../../redis/keys.js';
import { NEXT_ARGS, takeNext, type TakenNextReply } from './take-next.js';

/**
 * What {@link endScript} answers: `ended` with what BullMQ's script answered, and what it has taken of that; or `other`, where another result stands or
 * the document is incomplete: then nothing was done, and the separate commands find out what it is.
 */
export type EndReply = ['ended', unknown, TakenNextReply?] | ['other'];

/**
 * Keys of BullMQ's scripts, which but for one are the same for every execution of a worker: they are in the text of the script, since
 * each of them costs as an argument.
 */
export interface BullKeys {
  /** Of addStandardJob; none where results are not queued. */
  adding: readonly string[];
  /** Of moveToFinished. */
  finishing: readonly string[];
}

/** Where the key of the job itself stands among those of moveToFinished. */
export const JOB_KEY = 11;

/** How many arguments come before those of BullMQ's scripts. */
const OWN_ARGS = 16 + NEXT_ARGS + COUNT_ARGS;
const FIRST_OF_NEXT = 17;
const FIRST_OF_COUNT = FIRST_OF_NEXT + NEXT_ARGS;
const SETTLE_ARGS = 6;

/**
 * The end of an execution that has succeeded, in one command: the scripts of the separate commands, unchanged, in
 * the same order. Redis runs all of it or, when a worker dies, none. The result is the first thing that is written, so that a
 * Redis without memory refuses everything; whatever fails later leaves a result that is not marked as published,
 * which the separate commands send.
 *
 * KEYS result, ledger, attempts, logs, usage of the day (any of these where nothing is counted), BullMQ's of the job.
 * ARGV document, ttl, run, field of the job or '', its mark, counted starts (as SETTLE has them); length of the feed
 * (0: there is none), name in it, '1' when it carries the document; attempt, run and ttl of the log; how it ends: 'silent' (time of
 * its start, of its end, worker) or 'batch' (numbers, entries, limit, as the log's own script has them); what the take of the next
 * one is given, as {@link takeNext} has it; what is counted, as COUNT has it ('' where nothing is); then those of addStandardJob, which are left out where results are not queued, as the data of
 * which '' stands for the document; then those of moveToFinished.
 */
export function endScript(
  { moveToFinished, addStandardJob }: Pick<BullScripts, 'moveToFinished' | 'addStandardJob'>,
  keys: RedisKeys,
  { adding, finishing }: BullKeys,
): LuaScript {
  const isQueued = adding.length > 0;
  const firstOfFinish = OWN_ARGS + 1 + (isQueued ? ADD_ARGS : 0);
  return new LuaScript(`
${luaFunction('settle', SETTLE.source)}
${luaFunction('feed', APPEND_TO_FEED.source)}
${luaFunction('count', COUNT.source)}
${luaFunction('log', APPEND_TO_LOG.source)}
${luaFunction('addJob', addStandardJob.source)}
${luaFunction('finishJob', moveToFinished.source)}
${takeNext(keys)}
${END_LOG}
local settled = settle({KEYS[1], KEYS[2], KEYS[3]}, {unpack(ARGV, 1, ${SETTLE_ARGS})})
if settled[2] ~= '0' or settled[1] ~= ARGV[1] then return {'other'} end
${isQueued ? queueResult(adding) : ''}
if ARGV[7] ~= '0' then
  feed({${listOf([keys.archiveFeed(), keys.archiveWaiting(), keys.archiveFigures()])}}, {ARGV[7], ARGV[2], ARGV[8], ARGV[9] == '1' and ARGV[1] or ''})
end
if ARGV[${FIRST_OF_COUNT}] ~= '' then count({KEYS[2], KEYS[5]}, {unpack(ARGV, ${FIRST_OF_COUNT}, ${OWN_ARGS})}) end
redis.call('HSET', KEYS[2], 'published', '1')
endLog(KEYS[4], ARGV)
local handed = finishJob({${listOf(finishing, JOB_KEY)}}, {unpack(ARGV, ${firstOfFinish})})
return {'ended', handed, takeNext(handed, ARGV[${firstOfFinish + 6}], {unpack(ARGV, ${FIRST_OF_NEXT}, ${FIRST_OF_COUNT - 1})})}
`);
}

/** Arguments of addStandardJob: what it is, data, options. */
const ADD_ARGS = 3;

/** Lua: keys; that at `own` is the one of the job. */
const listOf = (keys: readonly string[], own?: number): string =>
  keys.map((key, index) => (index === own ? 'KEYS[6]' : luaText(key))).join(', ');

const queueResult = (keys: readonly string[]): string => `
local data = ARGV[${OWN_ARGS + 2}]
local added = addJob({${listOf(keys)}}, {ARGV[${OWN_ARGS + 1}], data == '' and ARGV[1] or data, ARGV[${OWN_ARGS + 3}]})
if type(added) == 'number' and added < 0 then return redis.error_reply('ERR the result is not queued: ' .. added) end
`;

/** Lua: the end of a log. Of code that printed nothing it is written as a whole, which needs no look at what is there. */
const END_LOG = `
local function endLog(key, ARGV)
  local attempt, run, ttl, how = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
  if how == 'batch' then return log({key}, {attempt, ARGV[14], ARGV[15], ARGV[16], ttl, run}) end
  local first = {'type', 'start', 'ts', ARGV[14], 'attempt', attempt, 'run', run, 'n', '1', 'worker', ARGV[16]}
  local last = {'type', 'end', 'ts', ARGV[15], 'attempt', attempt, 'run', run, 'n', '2', 'status', 'succeeded'}
  if redis.call('EXISTS', key) == 1 then
    return log({key}, {attempt, '[1,2]', cjson.encode({first, last}), '${Number.MAX_SAFE_INTEGER}', ttl, run})
  end
  redis.call('XADD', key, '*', unpack(first))
  local id = redis.call('XADD', key, '*', unpack(last))
  redis.call('EXPIRE', key, ttl)
  redis.call('PUBLISH', key, id)
end
`;
