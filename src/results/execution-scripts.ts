import { GatheredScript } from '../redis/gathered-script.js';
import { LuaScript } from '../redis/lua-script.js';

/*
 * The ledger of an execution is a hash beside its result:
 *   owner       incarnation of the worker that carries it out now; empty: nobody
 *   worker      id of that worker, for display
 *   attempt     how often its code was started
 *   lost        how often its worker died or vanished meanwhile
 *   started_at  ISO time of the current attempt
 *   progress    JSON of the last progress that the current attempt told
 *   generation  workspace generation that the first attempt ran against
 *   published   1 once the result is on the result queue
 *   cancel_asked_at, cancel_reason
 *               ISO time and words of the first request to cancel; also before anybody began
 *   forgotten   ISO time of its deletion: nothing runs, settles or is sent under its id while this stands
 * Every script takes KEYS = {result, ledger}, those that end an attempt also {…, attempts}: a list with
 * the JSON of each attempt that was not the last.
 */

/** ARGV owner, worker, now, ttl, generation for the first attempt or '' -> {'ended'} | {'owned', owner} | {'started', attempt, 0, generation or nil, cancel asked at or nil, reason} */
export const BEGIN = new GatheredScript(
  `
local known = redis.call('HMGET', KEYS[2], 'forgotten', 'owner', 'generation', 'cancel_asked_at', 'cancel_reason')
if known[1] or redis.call('EXISTS', KEYS[1]) == 1 then return {'ended'} end
if known[2] and known[2] ~= '' then return {'owned', known[2]} end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempt', 1)
local entry = {'owner', ARGV[1], 'worker', ARGV[2], 'started_at', ARGV[3]}
local generation = known[3]
if not generation and ARGV[5] ~= '' then
  generation = ARGV[5]
  entry[7], entry[8] = 'generation', generation
end
redis.call('HSET', KEYS[2], unpack(entry))
if attempt > 1 then redis.call('HDEL', KEYS[2], 'progress') end
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {'started', attempt, 0, generation, known[4], known[5]}
`,
  { keys: 3, args: 5 },
);

/** ARGV from, owner, worker, now, lost ('1' when a worker was lost, '0' when we are that owner) -> {'ended'} | {'owned', owner} | {'started', attempt, lost, generation or nil, cancel asked at or nil, reason} */
export const TAKE_OVER = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {'ended'} end
local owner = redis.call('HGET', KEYS[2], 'owner')
if owner ~= ARGV[1] then return {'owned', owner or ''} end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempt', 1)
local lost = redis.call('HINCRBY', KEYS[2], 'lost', ARGV[5])
if ARGV[5] == '1' then
  local before = redis.call('HMGET', KEYS[2], 'worker', 'started_at')
  redis.call('RPUSH', KEYS[3], cjson.encode({
    attempt = attempt - 1, status = 'lost', worker_id = before[1] or '', started_at = before[2] or '',
    finished_at = cjson.null, duration_ms = cjson.null, error = 'The worker died or vanished', error_type = 'WorkerLost',
    failure = cjson.null, logs_truncated = true,
  }))
  redis.call('LTRIM', KEYS[3], -20, -1)
  redis.call('EXPIRE', KEYS[3], math.max(redis.call('TTL', KEYS[2]), 60))
end
redis.call('HSET', KEYS[2], 'owner', ARGV[2], 'worker', ARGV[3], 'started_at', ARGV[4])
redis.call('HDEL', KEYS[2], 'progress')
local more = redis.call('HMGET', KEYS[2], 'generation', 'cancel_asked_at', 'cancel_reason')
return {'started', attempt, lost, more[1], more[2], more[3]}
`);

/**
 * ARGV owner, counted ('0' takes the attempt back), JSON of the attempt or '' -> {'free'} | {'foreign'} | {'kept', cancel asked at, reason}:
 * an execution that is to be cancelled stays with its owner, who must settle it.
 */
export const LET_GO = new LuaScript(`
if redis.call('HGET', KEYS[2], 'owner') ~= ARGV[1] then return {'foreign'} end
if ARGV[3] ~= '' then
  redis.call('RPUSH', KEYS[3], ARGV[3])
  redis.call('LTRIM', KEYS[3], -20, -1)
  redis.call('EXPIRE', KEYS[3], math.max(redis.call('TTL', KEYS[2]), 60))
end
local cancel = redis.call('HMGET', KEYS[2], 'cancel_asked_at', 'cancel_reason')
if cancel[1] then return {'kept', cancel[1], cancel[2]} end
redis.call('HSET', KEYS[2], 'owner', '')
if ARGV[2] == '0' then redis.call('HINCRBY', KEYS[2], 'attempt', -1) end
return {'free'}
`);

/** ARGV now, reason, ttl -> {'ended'} | {'noted', owner, attempt, asked at, reason, '1' when nobody had asked before}; the first request stands */
export const ASK_CANCEL = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {'ended'} end
local new = redis.call('HSETNX', KEYS[2], 'cancel_asked_at', ARGV[1])
if new == 1 then
  redis.call('HSET', KEYS[2], 'cancel_reason', ARGV[2])
  if redis.call('TTL', KEYS[2]) < 0 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
end
local ledger = redis.call('HMGET', KEYS[2], 'owner', 'attempt', 'cancel_asked_at', 'cancel_reason')
return {'noted', ledger[1] or '', ledger[2] or '0', ledger[3], ledger[4], tostring(new)}
`);

/** ARGV now, ttl -> 'absent' | 'unfinished' | 'forgotten'; of what was there a ledger is left that says so */
export const FORGET = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 0 then
  if redis.call('EXISTS', KEYS[2]) == 0 then return 'absent' end
  local ledger = redis.call('HMGET', KEYS[2], 'published', 'forgotten')
  if ledger[1] ~= '1' and not ledger[2] then return 'unfinished' end
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'forgotten', ARGV[1], 'published', '1')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 'forgotten'
`);

/** ARGV document, ttl -> {document that stands, '1' when it is on the result queue already} */
export const SETTLE = new GatheredScript(
  `
local standing = redis.call('GET', KEYS[1])
if standing then return {standing, redis.call('HGET', KEYS[2], 'published') or '0'} end
if redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {ARGV[1], '1'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'owner', '')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {ARGV[1], '0'}
`,
  { keys: 2, args: 2 },
);

/** KEYS ledger: its result is on the result queue */
export const MARK_PUBLISHED = new GatheredScript(`return redis.call('HSET', KEYS[1], 'published', '1')`, {
  keys: 1,
  args: 0,
});

/** As SETTLE, but only while nobody carries the execution out -> {'standing', document, published} | {'owned'} | {'settled'} */
export const SETTLE_UNOWNED = new LuaScript(`
local standing = redis.call('GET', KEYS[1])
if standing then return {'standing', standing, redis.call('HGET', KEYS[2], 'published') or '0'} end
if redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {'standing', ARGV[1], '1'} end
local owner = redis.call('HGET', KEYS[2], 'owner')
if owner and owner ~= '' then return {'owned'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'owner', '')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {'settled'}
`);
