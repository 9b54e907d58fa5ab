import type { BullScripts } from '../../redis/bull-scripts.js';
import { JSON_REPLY, luaFunction, LuaScript, luaText, type ScriptArgument } from '../../redis/lua-script.js';
import { type Gap, luaTemplate, PACKED_TEXT } from '../../redis/lua-template.js';
import { COUNT_LOST, INLINE_LIMIT_BYTES, LEAVE_IN_FEED } from '../archive-feed.js';
import { COUNTING } from '../../tenants/usage/usage-counter.js';
import { SETTLING } from '../lua/ledger-functions.js';
import { APPEND as APPEND_TO_LOG } from '../log-script.js';
import type { RedisKeys } from '../../redis/keys.js';
import { REMOVE_MARKER_AFTER_LAST } from './last-job.js';
import { NEXT_ARGS, takeNext, type TakenNextReply } from './take-next.js';

/**
 * What {@link endScript} answers, by JSON_REPLY: `ended` with what BullMQ's script answered, and what it has taken of that; or `other`, where another result stands or
 * the document is incomplete: then nothing was done, and the separate commands find out what it is.
 */
export type EndReply = ['ended', unknown, TakenNextReply?] | ['other'];

/** What of an end the arguments of BullMQ's scripts differ in from those of another end. */
export interface EndGaps {
  /** Id of the job of the execution. */
  jobId: string;
  /** BullMQ's lock on it. */
  token: string;
  /** JSON of what it ends with. */
  value: string;
  /** Name of the worker, as BullMQ has it. */
  worker: string;
  /** Unix milliseconds. */
  at: string;
  /** '1': the next job is to be handed out, '0': none is. */
  fetch: string;
  /** Id of the job on the result queue. */
  resultId: string;
  /** JSON of its data. */
  data: string;
}

/** These stand for the values in {@link BullArgs}. */
export const GAPS: EndGaps = {
  jobId: '\u0001job\u0001',
  token: '\u0001token\u0001',
  worker: '\u0001worker\u0001',
  value: '\u0001value\u0001',
  at: '\u0001at\u0001',
  fetch: '\u0001fetch\u0001',
  resultId: '\u0001result\u0001',
  data: '\u0001data\u0001',
};

/** The order in which they are sent. */
export const END_GAPS = [
  'jobId',
  'token',
  'worker',
  'value',
  'at',
  'fetch',
  'resultId',
  'data',
] as const satisfies readonly (keyof EndGaps)[];

/**
 * Keys and arguments that BullMQ's own classes make for its scripts, with {@link GAPS} in the place of what differs: the rest, which is the same for many
 * executions, is in the text of the script, since each argument costs when it is sent.
 */
export interface BullArgs {
  /** Of addStandardJob; none where results are not queued. */
  adding: readonly ScriptArgument[];
  /** Of moveToFinished. */
  finishing: readonly ScriptArgument[];
}

/** Where each part of the arguments begins. */
const FIRST_OF_NEXT = 17;
const FIRST_GAP = FIRST_OF_NEXT + NEXT_ARGS;
const FIRST_OF_COUNT = FIRST_GAP + END_GAPS.length;
/** Where these stand among the keys of moveToFinished, in Lua. */
const [WAIT, PRIORITIZED, MARKER] = [1, 3, 14];

/**
 * The end of an execution that has succeeded, in one command: the scripts of the separate commands, unchanged, in
 * the same order. Redis runs all of it or, when a worker dies, none. The result is the first thing that is written, so that a
 * Redis without memory refuses everything; whatever fails later leaves a result that is not marked as published,
 * which the separate commands send.
 *
 * KEYS result, ledger, attempts, logs, usage of the day (any of these where nothing is counted).
 * ARGV document, ttl, run, field of the job or '', its mark, counted starts (as SETTLE has them); length of the feed
 * (0: there is none), name in it, '1' to look for what the archive has lost; attempt, run and ttl of the log; how it ends: 'silent' (time of
 * its start, of its end, worker) or 'batch' (numbers, entries, limit, as the log's own script has them); what the take of the next
 * one is given, as {@link takeNext} has it; {@link END_GAPS}, where '' as data stands for the document; then what is counted, as COUNT has it, where
 * anything is.
 */
export function endScript(
  { moveToFinished, addStandardJob }: Pick<BullScripts, 'moveToFinished' | 'addStandardJob'>,
  keys: RedisKeys,
  { adding, finishing }: BullArgs,
): LuaScript {
  const add = callOf(adding, addStandardJob.keys);
  const finish = callOf(finishing, moveToFinished.keys);
  return new LuaScript(`
${JSON_REPLY}${SETTLING}${LEAVE_IN_FEED}${COUNT_LOST}${COUNTING}
${luaFunction('log', APPEND_TO_LOG.source)}
${luaFunction('addJob', addStandardJob.source)}
${luaFunction('finishJob', moveToFinished.source)}
${takeNext(keys)}
${REMOVE_MARKER_AFTER_LAST}
${PACKED_TEXT}
${END_LOG}
local settled, isNew, counted = settle(KEYS[1], KEYS[2], ARGV)
if settled[2] ~= '0' or settled[1] ~= ARGV[1] then return jsonReply({'other'}) end
-- Mostly there are neither earlier attempts nor a log.
local hasEarlier = redis.call('EXISTS', KEYS[3], KEYS[4]) > 0
if isNew and hasEarlier then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
${adding.length > 0 ? queueResult(add) : ''}
if ARGV[7] ~= '0' then
  local at = leaveInFeed(${luaText(keys.archiveFeed())}, ${luaText(keys.archiveWaiting())}, ARGV[7], ARGV[8], #ARGV[1] <= ${INLINE_LIMIT_BYTES} and ARGV[1] or '')
  if ARGV[9] == '1' then countLost(${luaText(keys.archiveWaiting())}, ${luaText(keys.archiveFigures())}, at, ARGV[2]) end
end
local fields = {'published', '1'}
if ARGV[${FIRST_OF_COUNT}] then count(fields, counted, KEYS[5], ${FIRST_OF_COUNT}) end
redis.call('HSET', KEYS[2], unpack(fields))
endLog(KEYS[4], hasEarlier, ARGV)
local names, args = {${finish.keys}}, {${finish.args}}
local handed = finishJob(names, args)
removeMarkerAfterLast(handed, names[${WAIT}], names[${PRIORITIZED}], names[${MARKER}])
return jsonReply({'ended', handed, takeNext(handed, args[7], {unpack(ARGV, ${FIRST_OF_NEXT}, ${FIRST_GAP - 1})})})
`);
}

/** Lua: keys and arguments of a script of BullMQ. */
const callOf = (made: readonly ScriptArgument[], keys: number): { keys: string; args: string } => {
  const lua = made.map((each) => luaTemplate(each, PLACES));
  return { keys: lua.slice(0, keys).join(', '), args: lua.slice(keys).join(', ') };
};

const PLACES = END_GAPS.map((name, index): Gap => [GAPS[name], `ARGV[${FIRST_GAP + index}]`]);
const DATA = `ARGV[${FIRST_OF_COUNT - 1}]`;

const queueResult = ({ keys, args }: { keys: string; args: string }): string => `
if ${DATA} == '' then ${DATA} = ARGV[1] end
local added = addJob({${keys}}, {${args}})
if type(added) == 'number' and added < 0 then return redis.error_reply('ERR the result is not queued: ' .. added) end
`;

/** Lua: the end of a log. Of code that printed nothing it is written as a whole, which needs no look at what is there. */
const END_LOG = `
local function endLog(key, isOld, ARGV)
  local attempt, run, ttl, how = ARGV[10], ARGV[11], ARGV[12], ARGV[13]
  if how == 'batch' then return log({key}, {attempt, ARGV[14], ARGV[15], ARGV[16], ttl, run}) end
  local first = {'type', 'start', 'ts', ARGV[14], 'attempt', attempt, 'run', run, 'n', '1', 'worker', ARGV[16]}
  local last = {'type', 'end', 'ts', ARGV[15], 'attempt', attempt, 'run', run, 'n', '2', 'status', 'succeeded'}
  if isOld then
    return log({key}, {attempt, '[1,2]', cjson.encode({first, last}), '${Number.MAX_SAFE_INTEGER}', ttl, run})
  end
  redis.call('XADD', key, '*', unpack(first))
  local id = redis.call('XADD', key, '*', unpack(last))
  redis.call('EXPIRE', key, ttl)
  redis.call('PUBLISH', key, id)
end
`;
