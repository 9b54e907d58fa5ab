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

/** Owner and time of the take of the next one. */
export interface NextClaim {
  /** Incarnation of the worker; '': nothing is taken. */
  owner: string;
  /** ISO time. */
  now: string;
}

/** Nothing is taken. */
export const NO_CLAIM: NextClaim = { owner: '', now: '' };

/** What is the same of each take of a worker, and so in the text of the script. */
export interface TakeRules {
  /** How long an execution is kept without a result, in seconds. */
  ttlSeconds: number;
  /** The code of executions may be of a generation of the workspace. */
  hasGenerations: boolean;
}

/**
 * Lua: takes the execution of the job that BullMQ's script has handed out, as the first command for it would. Only of a job that is
 * plainly an execution by its id: no tick, no task, no failed parent, none whose id is spelled in another way than
 * keys are. Whatever else it is, and whatever goes wrong, it is taken by a command of its own.
 *
 * `handed`: what BullMQ's script answered; `prefix`: of BullMQ's keys; `owner`, `now`: as {@link NextClaim} has them; `worker`: its id
 * -> {@link TakenNextReply}
 */
export const takeNext = (keys: RedisKeys, { ttlSeconds, hasGenerations }: TakeRules): string => `
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
local function takeNext(handed, prefix, owner, worker, now)
  if owner == '' or type(handed) ~= 'table' or type(handed[1]) ~= 'table' then return false end
  local ok, taken = pcall(function()
    local id = idOf(handed[1])
    if not id then return false end
    local names = {${namesIn(keys)}, prefix .. handed[2]}
    local reply = take(names, {owner, worker, now, '${ttlSeconds}', 'job:' .. handed[2], '${hasGenerations ? 1 : 0}'})
    return reply[1] == 'taken' and {id, reply}
  end)
  return ok and taken
end
`;

/** Stands for the id in the name of a key. */
export const ID = '\u0001';

/** Lua: a key in whose name {@link ID} stands, of the id that a variable has. */
export const keyOfId = (name: string, variable = 'id'): string =>
  name.split(ID).map(luaText).join(` .. ${variable} .. `);

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
  return names.map((name) => keyOfId(name)).join(', ');
}
