import type { BullScripts } from '../../redis/bull-scripts.js';
import { JSON_REPLY, luaFunction, LuaScript, luaText, type ScriptArgument } from '../../redis/lua-script.js';
import { type Gap, luaTemplate, PACKED_TEXT } from '../../redis/lua-template.js';
import { COUNT_LOST, INLINE_LIMIT_BYTES, LEAVE_IN_FEED } from '../archive-feed.js';
import { COUNTING, countArgs } from '../../tenants/usage/usage-counter.js';
import { SETTLING } from '../lua/ledger-functions.js';
import { APPEND as APPEND_TO_LOG } from '../logs/log-script.js';
import type { RedisKeys } from '../../redis/keys.js';
import { COUNTERS } from '../../tenants/usage/usage-day.js';
import { REMOVE_MARKER_AFTER_LAST } from './last-job.js';
import { ID, keyOfId, type NextClaim, takeNext, type TakenNextReply, type TakeRules } from './take-next.js';

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

/** What an end is given beside {@link EndGaps}. */
export interface EndOwn extends NextClaim {
  document: string;
  executionId: string;
  run: number;
  /** Mark of the delivery that ends with it. */
  mark: string;
  /** How often its code was started, as the document says. */
  starts: number;
  /** '1': to look for what the archive has lost. */
  looks: string;
  attempt: number;
  /** Run of the log, and how it ends: `silent`, with the times of its start and its end, or `batch`, with numbers and fields as the log's own script has them. */
  logRun: string;
  logKind: string;
  logFirst: string;
  logSecond: string;
  workerId: string;
  /** What is counted of its use, as {@link COUNTING} has it; '' as day: nothing is. */
  day: string;
  countMark: number;
  organization: string;
  executions: number;
  cpuMs: number;
  networkBytes: number;
  artifactBytes: number;
}

/** What is different in each end. */
export type EndInput = EndOwn & EndGaps;

/** The order in which it is sent. */
export const endArguments = (input: EndInput): (string | number)[] => [
  input.document,
  input.executionId,
  input.run,
  input.mark,
  input.starts,
  input.looks,
  input.attempt,
  input.logRun,
  input.logKind,
  input.logFirst,
  input.logSecond,
  input.workerId,
  input.owner,
  input.now,
  input.day,
  input.countMark,
  input.organization,
  input.executions,
  input.cpuMs,
  input.networkBytes,
  input.artifactBytes,
  input.jobId,
  input.token,
  input.worker,
  input.value,
  input.at,
  input.fetch,
  input.resultId,
  input.data,
];

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

/** Where these stand among the keys of moveToFinished, in Lua. */
const [WAIT, PRIORITIZED, MARKER] = [1, 3, 14];

/** What is the same of each end of a worker, and so in the text of the script. */
export interface EndRules extends TakeRules {
  /** How long results live. */
  resultTtlSeconds: number;
  /** Results that wait for the archive at most; 0: there is no archive. */
  feedLength: number;
  logTtlSeconds: number;
  logLimitBytes: number;
}

/**
 * The end of an execution that has succeeded, in one command: the scripts of the separate commands, unchanged, in
 * the same order. Redis runs all of it or, when a worker dies, none. The result is the first thing that is written, so that a
 * Redis without memory refuses everything; whatever fails later leaves a result that is not marked as published,
 * which the separate commands send.
 *
 * ARGV {@link endArguments}, where '' as data stands for the document. Each argument costs when it is sent: what is the same for all ends of
 * a worker, and names of keys, are in the text. There is no such script on Cluster.
 */
export function endScript(
  { moveToFinished, addStandardJob }: Pick<BullScripts, 'moveToFinished' | 'addStandardJob'>,
  keys: RedisKeys,
  { adding, finishing, rules }: BullArgs & { rules: EndRules },
): LuaScript {
  const add = callOf(adding, addStandardJob.keys);
  const finish = callOf(finishing, moveToFinished.keys);
  const ttl = `'${rules.resultTtlSeconds}'`;
  return new LuaScript(`
${JSON_REPLY}${SETTLING}${LEAVE_IN_FEED}${COUNT_LOST}${COUNTING}
${luaFunction('log', APPEND_TO_LOG.source)}
${luaFunction('addJob', addStandardJob.source)}
${luaFunction('finishJob', moveToFinished.source)}
${takeNext(keys, rules)}
${REMOVE_MARKER_AFTER_LAST}
${PACKED_TEXT}
${endLog(rules)}
local id = ${GIVEN.executionId}
local ledger, attempts, stream = ${[keys.ledger(ID), keys.attempts(ID), keys.logs(ID)].map((name) => keyOfId(name)).join(', ')}
local settled, isNew, counted = settle(${keyOfId(keys.result(ID))}, ledger,
  {${GIVEN.document}, ${ttl}, ${GIVEN.run}, 'job:' .. ${GIVEN.jobId}, ${GIVEN.mark}, ${GIVEN.starts}})
if settled[2] ~= '0' or settled[1] ~= ${GIVEN.document} then return jsonReply({'other'}) end
-- Mostly there are neither earlier attempts nor a log.
local hasEarlier = redis.call('EXISTS', attempts, stream) > 0
if isNew and hasEarlier then redis.call('EXPIRE', attempts, ${ttl}) end
${adding.length > 0 ? queueResult(add) : ''}
${rules.feedLength > 0 ? feedResult(keys, rules) : ''}
local fields = {'published', '1'}
if ${GIVEN.day} ~= '' then
  count(fields, counted, ${keyOfId(keys.usage(ID), GIVEN.day)}, ${countArgs(
    GIVEN.countMark,
    GIVEN.organization,
    COUNTERS.map((name) => GIVEN[name]),
  )})
end
redis.call('HSET', ledger, unpack(fields))
endLog(stream, hasEarlier, ARGV)
local names, args = {${finish.keys}}, {${finish.args}}
local handed = finishJob(names, args)
removeMarkerAfterLast(handed, names[${WAIT}], names[${PRIORITIZED}], names[${MARKER}])
return jsonReply({'ended', handed, takeNext(handed, args[7], ${GIVEN.owner}, ${GIVEN.workerId}, ${GIVEN.now})})
`);
}

/** Lua: keys and arguments of a script of BullMQ. */
const callOf = (made: readonly ScriptArgument[], keys: number): { keys: string; args: string } => {
  const lua = made.map((each) => luaTemplate(each, PLACES));
  return { keys: lua.slice(0, keys).join(', '), args: lua.slice(keys).join(', ') };
};

/** Each property is its own name. */
const NAMES = new Proxy({}, { get: (_, name) => name }) as EndInput;

/** Lua: what {@link endArguments} has sent, by its name. */
const GIVEN = Object.fromEntries(
  endArguments(NAMES).map((name, index) => [name, `ARGV[${index + 1}]`]),
) as Record<keyof EndInput, string>;

const PLACES = Object.entries(GAPS).map(([name, gap]): Gap => [gap, GIVEN[name as keyof EndGaps]]);

const queueResult = ({ keys, args }: { keys: string; args: string }): string => `
if ${GIVEN.data} == '' then ${GIVEN.data} = ${GIVEN.document} end
local added = addJob({${keys}}, {${args}})
if type(added) == 'number' and added < 0 then return redis.error_reply('ERR the result is not queued: ' .. added) end
`;

const feedResult = (keys: RedisKeys, { feedLength, resultTtlSeconds }: EndRules): string => `
local name = ${GIVEN.run} == '1' and id or id .. '\\n' .. ${GIVEN.run}
local document = #${GIVEN.document} <= ${INLINE_LIMIT_BYTES} and ${GIVEN.document} or ''
local at = leaveInFeed(${luaText(keys.archiveFeed())}, ${luaText(keys.archiveWaiting())}, '${feedLength}', name, document)
if ${GIVEN.looks} == '1' then countLost(${luaText(keys.archiveWaiting())}, ${luaText(keys.archiveFigures())}, at, ${resultTtlSeconds}) end
`;

/** Lua: the end of a log. Of code that printed nothing it is written as a whole, which needs no look at what is there. */
const endLog = ({ logTtlSeconds, logLimitBytes }: EndRules): string => `
local function endLog(key, isOld, ARGV)
  local attempt, run, first, second = ${GIVEN.attempt}, ${GIVEN.logRun}, ${GIVEN.logFirst}, ${GIVEN.logSecond}
  local ttl, limit = '${logTtlSeconds}', '${logLimitBytes}'
  if ${GIVEN.logKind} == 'batch' then return log({key}, {attempt, first, second, limit, ttl, run}) end
  local begun = {'type', 'start', 'ts', first, 'attempt', attempt, 'run', run, 'n', '1', 'worker', ${GIVEN.workerId}}
  local ended = {'type', 'end', 'ts', second, 'attempt', attempt, 'run', run, 'n', '2', 'status', 'succeeded'}
  if isOld then return log({key}, {attempt, '[1,2]', cjson.encode({begun, ended}), limit, ttl, run}) end
  redis.call('XADD', key, '*', unpack(begun))
  local at = redis.call('XADD', key, '*', unpack(ended))
  redis.call('EXPIRE', key, ttl)
  redis.call('PUBLISH', key, at)
end
`;
