import type { BullScripts } from '../../redis/bull-scripts.js';
import { JSON_REPLY, luaFunction, LuaScript, luaText } from '../../redis/lua-script.js';
import type { RedisKeys } from '../../redis/keys.js';
import { REMOVE_MARKER_AFTER_LAST } from './last-job.js';
import { takeNext, type TakenNextReply, type TakeRules } from './take-next.js';

/**
 * What {@link fetchScript} answers, by JSON_REPLY: what BullMQ's script did, what was taken of that, and, where the job that it hands out was the
 * last one, what BullMQ's script would answer now.
 */
export type FetchReply = [handed: unknown[], taken: TakenNextReply, after: unknown[] | null];

/** Where these stand among the keys of moveToActive, in Lua. */
const [WAIT, PRIORITIZED, DELAYED, MARKER] = [1, 3, 7, 11];
/** Where the arguments of moveToActive begin, the first of which is the prefix of BullMQ's keys. */
const FIRST_OF_FETCH = 4;
/** What a millisecond is in the score of a delayed job of BullMQ. */
const SCORE_OF_A_MS = 4_096;

/**
 * BullMQ's fetch of a job, unchanged, and the take of its execution, in one command.
 *
 * BullMQ's loop fetches once more before it begins with a job, and mostly finds that there is no other. That answer comes
 * along here: it is of the same moment, and as true as that of a second command, since whatever is added later sets BullMQ's marker.
 *
 * ARGV owner, worker and time of the take, as {@link takeNext} has them, then those of moveToActive -> {@link FetchReply}
 * @param fetching keys of moveToActive, which are the same for every job of a worker
 */
export const fetchScript = (
  { moveToActive }: Pick<BullScripts, 'moveToActive'>,
  keys: RedisKeys,
  { fetching, rules }: { fetching: readonly string[]; rules: TakeRules },
): LuaScript =>
  new LuaScript(`
${JSON_REPLY}
${luaFunction('fetchJob', moveToActive.source)}
${takeNext(keys, rules)}
${REMOVE_MARKER_AFTER_LAST}
local names = {${fetching.map(luaText).join(', ')}}
local handed = fetchJob(names, {unpack(ARGV, ${FIRST_OF_FETCH})})
local taken = takeNext(handed, ARGV[${FIRST_OF_FETCH}], ARGV[1], ARGV[2], ARGV[3])
local after = false
if removeMarkerAfterLast(handed, names[${WAIT}], names[${PRIORITIZED}], names[${MARKER}]) then
  local due = redis.call('ZRANGE', names[${DELAYED}], 0, 0, 'WITHSCORES')[2]
  after = {0, 0, 0, due and tonumber(due) / ${SCORE_OF_A_MS} or 0}
end
return jsonReply({handed, taken, after})
`);
