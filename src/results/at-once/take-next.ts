import { luaFunction, luaText } from '../../redis/lua-script.js';
import type { RedisKeys } from '../../redis/keys.js';
import { TAKE, type TakeReply } from './take-script.js';

/** The execution of a job that was taken by the script which handed it out. */
export interface TakenNext {
  executionId: string;
  reply: TakeReply;
}

/** How {@link TAKE_NEXT} answers: nothing was taken, or the id and what the take answered. */
export type TakenNextReply = null | [string, TakeReply];

/** Data of a larger job is not looked into: its execution is taken by a command of its own. */
const DATA_LIMIT_BYTES = 4_096;

/** Arguments that the take of the next one needs. */
export const NEXT_ARGS = 5;

/** The same where nothing is taken. */
export const NOTHING_TAKEN: readonly string[] = Array.from({ length: NEXT_ARGS }, () => '');

/**
 * Lua: takes the execution of the job that BullMQ's script has handed out, as the first command for it would. Only of a job that is
 * plainly an execution by its id: no tick, no task, no failed parent, none whose id is spelled in another way than
 * keys are. Whatever else it is, and whatever goes wrong, it is taken by a command of its own.
 *
 * `handed`: what BullMQ's script answered; `prefix`: of BullMQ's keys; ARGV owner ('': nothing is taken), worker, now,
 * ttl, '1' where there are generations -> {@link TakenNextReply}
 */
export const takeNext = (keys: RedisKeys): string => `
${luaFunction('take', TAKE.source)}
local function idOf(fields)
  local job = {}
  for i = 1, #fields, 2 do job[fields[i]] = fields[i + 1] end
  if job.rjk or job.defa or not job.data or #job.data > ${DATA_LIMIT_BYTES} then return nil end
  local data = cjson.decode(job.data)
  if type(data) ~= 'table' or data.code ~= nil or data.taskId ~= nil or data.schedule ~= nil then return nil end
  local id = data.execution_id
  return type(id) == 'string' and #id <= 200 and string.match(id, '^[%w_.:-]+$')
end
local function takeNext(handed, prefix, ARGV)
  if ARGV[1] == '' or type(handed) ~= 'table' or type(handed[1]) ~= 'table' then return false end
  local ok, taken = pcall(function()
    local id = idOf(handed[1])
    if not id then return false end
    local names = {${namesIn(keys)}, prefix .. handed[2]}
    local reply = take(names, {ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'job:' .. handed[2], ARGV[5]})
    return reply[1] == 'taken' and {id, reply}
  end)
  return ok and taken
end
`;

/** Stands for the id in the name of a key. */
const ID = '\u0001';

/** The keys of TAKE but the last, as Lua that makes them of `id`. */
function namesIn(keys: RedisKeys): string {
  const names = [
    keys.result(ID),
    keys.ledger(ID),
    keys.attempts(ID),
    keys.context(ID),
    keys.cancelFlag(ID),
    keys.workspaceCurrent(),
  ];
  return names.map((name) => name.split(ID).map(luaText).join(' .. id .. ')).join(', ');
}
