import { GatheredScript } from '../redis/gathered-script.js';
import { LuaScript } from '../redis/lua-script.js';
import { BEGINNING, MARK, SETTLING, START } from './lua/ledger-functions.js';
import { MAX_LOST_WORKERS, STARTS_KEPT } from './start-history.js';

/*
 * The ledger of an execution is a hash beside its result:
 *   owner       incarnation of the worker that carries it out now; empty: none
 *   worker      id of that worker, for display
 *   run         which run of the execution it is; missing: the first
 *   attempt     attempts of this run that count
 *   starts      how often its code was given to a worker to be started, whether that counts as an attempt or not
 *   start:{n}   of the latest starts: worker and ISO time
 *   end:{n}     how that start ended, without a result, and when
 *   lost        how often its worker died or vanished meanwhile
 *   started_at  ISO time of the current attempt
 *   progress    JSON of the last progress that the current attempt reported
 *   generation  workspace generation that the first attempt ran against
 *   freed_at    Unix milliseconds at which a worker gave it back, to be taken again
 *   pause_ms    for how long it was not to be taken then
 *   counted     run and attempt up to which its use was counted, see tenants/usage/usage-counter.ts
 *   published   1 once the result is on the result queue
 *   cancel_asked_at, cancel_reason
 *               ISO time and words of the first request to cancel; also before the first attempt
 *   forgotten   ISO time of its deletion: nothing runs, settles or is sent under its id while this stands
 *   marks       how many job: fields there are; missing in ledgers of versions that kept none
 *   job:{id}    mark of the latest delivery of a job that came to an end, see delivery-identity.ts
 * It outlives the execution, however long that waits, runs and rests between attempts; its result sets the time after
 * which both are forgotten.
 * Every script takes KEYS = {result, ledger}, those that end an attempt also {…, attempts}: a list with
 * the JSON of each attempt that was not the last.
 */

/** A field of a hash, or nothing. */
type Reply = string | null;
/** An execution that is ours now. */
export type StartedReply = ['started', number, number, Reply, Reply, Reply, string, Reply, Reply, number];
/** An execution that has its result. */
export type EndedReply = ['ended', string, string, Reply, Reply];
/** What {@link BEGIN} answers. */
export type BeginReply = EndedReply | ['owned', string] | StartedReply;

/** ARGV owner, worker, now, ttl, generation for the first attempt or '', field of the job -> {'ended', document or '', run, mark or nil, marks or nil} | {'owned', owner} | {'started', attempt, 0, generation or nil, cancel asked at or nil, reason, run, freed at or nil, pause or nil, starts}; one that is to be cancelled is not started */
export const BEGIN = new GatheredScript(`${BEGINNING}return begin(KEYS[1], KEYS[2], ARGV, false)`, {
  keys: 3,
  args: 6,
});

/**
 * KEYS also the key that keeps the former result. ARGV run that has ended, owner, worker, now, ttl,
 * generation or '', field of the job, mark that was seen there or '', mark of this delivery -> {'changed'} | {'unsent'} | as BEGIN has started: a further run is begun. The former
 * result goes to the archive from its new key; it must be on the result queue before.
 */
export const REOPEN = new LuaScript(`${MARK}${START}
local known = redis.call('HMGET', KEYS[2], 'run', 'published', 'forgotten', 'starts')
if known[3] or (known[1] or '1') ~= ARGV[1] or redis.call('EXISTS', KEYS[1]) == 0 then return {'changed'} end
if (redis.call('HGET', KEYS[2], ARGV[7]) or '') ~= ARGV[8] then return {'changed'} end
if known[2] ~= '1' then return {'unsent'} end
redis.call('RENAME', KEYS[1], KEYS[4])
mark(KEYS[2], ARGV[7], ARGV[9])
redis.call('DEL', KEYS[3])
redis.call('HDEL', KEYS[2], 'lost', 'progress', 'generation', 'published', 'cancel_asked_at', 'cancel_reason', 'freed_at', 'pause_ms')
local before = tonumber(known[4] or '0')
for n = math.max(1, before - ${STARTS_KEPT}), before do redis.call('HDEL', KEYS[2], 'start:' .. n, 'end:' .. n) end
redis.call('HDEL', KEYS[2], 'starts')
local run = tostring(tonumber(ARGV[1]) + 1)
redis.call('HSET', KEYS[2], 'run', run, 'attempt', '1', 'owner', ARGV[2], 'worker', ARGV[3], 'started_at', ARGV[4])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], 'generation', ARGV[6]) end
redis.call('EXPIRE', KEYS[2], ARGV[5])
return {'started', 1, 0, ARGV[6] ~= '' and ARGV[6] or false, false, false, run, false, false, start(KEYS[2], ARGV[3], ARGV[4])}
`);

/**
 * ARGV from, owner, worker, now, lost ('1' when a worker was lost, '0' when we are that owner), counted ('0' when we are that
 * owner and never began: the answer to our own BEGIN was lost) -> {'ended'} | {'owned', owner} | {'started', attempt, lost,
 * generation or nil, cancel asked at or nil, reason, run, false, false, starts}; one that is to be cancelled, or that lost
 * too many workers, is not started
 */
export const TAKE_OVER = new LuaScript(`${START}
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {'ended'} end
local owner = redis.call('HGET', KEYS[2], 'owner')
if owner ~= ARGV[1] then return {'owned', owner or ''} end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempt', ARGV[6])
local lost = redis.call('HINCRBY', KEYS[2], 'lost', ARGV[5])
local before = redis.call('HMGET', KEYS[2], 'worker', 'started_at', 'cancel_asked_at', 'starts')
local starts = tonumber(before[4] or '0')
if ARGV[5] == '1' then
  redis.call('RPUSH', KEYS[3], cjson.encode({
    attempt = attempt - 1, status = 'lost', worker_id = before[1] or '', started_at = before[2] or '',
    finished_at = cjson.null, duration_ms = cjson.null, error = 'The worker died or vanished', error_type = 'WorkerLost',
    failure = cjson.null, logs_truncated = true,
  }))
  redis.call('LTRIM', KEYS[3], -20, -1)
  redis.call('EXPIRE', KEYS[3], math.max(redis.call('TTL', KEYS[2]), 60))
end
if ARGV[6] == '1' then
  if starts > 0 then redis.call('HSETNX', KEYS[2], 'end:' .. starts, (ARGV[5] == '1' and 'lost ' or 'failed ') .. ARGV[4]) end
  if not before[3] and lost < ${MAX_LOST_WORKERS} then starts = start(KEYS[2], ARGV[3], ARGV[4]) end
end
redis.call('HSET', KEYS[2], 'owner', ARGV[2], 'worker', ARGV[3], 'started_at', ARGV[4])
redis.call('HDEL', KEYS[2], 'progress')
local more = redis.call('HMGET', KEYS[2], 'generation', 'cancel_asked_at', 'cancel_reason', 'run')
return {'started', attempt, lost, more[1], more[2], more[3], more[4] or '1', false, false, starts}
`);

/**
 * ARGV owner, counted ('0' takes the attempt back), JSON of the attempt or '', run ('' for any), now in Unix milliseconds,
 * pause in milliseconds, field of the job whose attempt failed or '', its mark, how its start ended ('' when its code was never started), ISO time -> {'free'} | {'foreign'} | {'kept', cancel asked at, reason}: an execution that is to
 * be cancelled stays with its owner, which must settle it.
 */
export const FREE = new LuaScript(`${MARK}
if ARGV[7] ~= '' then mark(KEYS[2], ARGV[7], ARGV[8]) end
local known = redis.call('HMGET', KEYS[2], 'owner', 'run', 'starts')
if known[1] ~= ARGV[1] or ARGV[4] ~= '' and (known[2] or '1') ~= ARGV[4] then return {'foreign'} end
if ARGV[3] ~= '' then
  redis.call('RPUSH', KEYS[3], ARGV[3])
  redis.call('LTRIM', KEYS[3], -20, -1)
  redis.call('EXPIRE', KEYS[3], math.max(redis.call('TTL', KEYS[2]), 60))
end
local cancel = redis.call('HMGET', KEYS[2], 'cancel_asked_at', 'cancel_reason')
if cancel[1] then return {'kept', cancel[1], cancel[2]} end
redis.call('HSET', KEYS[2], 'owner', '', 'freed_at', ARGV[5], 'pause_ms', ARGV[6])
if ARGV[2] == '0' then redis.call('HINCRBY', KEYS[2], 'attempt', -1) end
local starts = tonumber(known[3] or '0')
if starts > 0 and ARGV[9] == '' then
  redis.call('HINCRBY', KEYS[2], 'starts', -1)
  redis.call('HDEL', KEYS[2], 'start:' .. starts)
elseif starts > 0 then redis.call('HSET', KEYS[2], 'end:' .. starts, ARGV[9] .. ' ' .. ARGV[10]) end
local pause = math.ceil(tonumber(ARGV[6]) / 1000)
if pause > 0 then redis.call('EXPIRE', KEYS[2], redis.call('TTL', KEYS[2]) + pause) end
return {'free'}
`);

/** ARGV now, reason, ttl -> {'ended'} | {'noted', owner, attempt, asked at, reason, '1' when it is the first request, run}; the first request stands */
export const ASK_CANCEL = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('HEXISTS', KEYS[2], 'forgotten') == 1 then return {'ended'} end
local new = redis.call('HSETNX', KEYS[2], 'cancel_asked_at', ARGV[1])
if new == 1 then
  redis.call('HSET', KEYS[2], 'cancel_reason', ARGV[2])
  if redis.call('TTL', KEYS[2]) < 0 then redis.call('EXPIRE', KEYS[2], ARGV[3]) end
end
local ledger = redis.call('HMGET', KEYS[2], 'owner', 'attempt', 'cancel_asked_at', 'cancel_reason', 'run')
return {'noted', ledger[1] or '', ledger[2] or '0', ledger[3], ledger[4], tostring(new), ledger[5] or '1'}
`);

/** ARGV now, ttl -> 'absent' | 'unfinished' | 'forgotten'; of what was there a ledger is left that says so */
export const FORGET = new LuaScript(`
local run = redis.call('HGET', KEYS[2], 'run') or '1'
if redis.call('EXISTS', KEYS[1]) == 0 then
  if redis.call('EXISTS', KEYS[2]) == 0 then return {'absent', run} end
  local ledger = redis.call('HMGET', KEYS[2], 'published', 'forgotten')
  if ledger[1] ~= '1' and not ledger[2] then return {'unfinished', run} end
end
redis.call('DEL', KEYS[1], KEYS[2])
redis.call('HSET', KEYS[2], 'forgotten', ARGV[1], 'published', '1')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {'forgotten', run}
`);

/**
 * ARGV document, ttl, run, field of the job or '', its mark, counted starts that the document takes account of -> {document that stands, '1'
 * when it is on the result queue already, '0' when not, 'stale' when a later run has begun: then the document is dropped,
 * 'outdated' when its code was started more often: then nothing is settled}
 */
export const SETTLE = new GatheredScript(
  `${SETTLING}
local reply, isNew = settle(KEYS[1], KEYS[2], ARGV)
if isNew then redis.call('EXPIRE', KEYS[3], ARGV[2]) end
return reply
`,
  { keys: 3, args: 6 },
);

/** KEYS ledger; ARGV run: its result is on the result queue. A later run has one of its own. */
export const MARK_PUBLISHED = new GatheredScript(
  `
if (redis.call('HGET', KEYS[1], 'run') or '1') ~= ARGV[1] then return 0 end
return redis.call('HSET', KEYS[1], 'published', '1')
`,
  { keys: 1, args: 1 },
);

/** KEYS ledger; ARGV field of the job, mark, ttl, run: this delivery ends with the result of that run -> 1, or 0 when a later run has begun */
export const MARK_DELIVERY = new LuaScript(`${MARK}
if (redis.call('HGET', KEYS[1], 'run') or '1') ~= ARGV[4] then return 0 end
mark(KEYS[1], ARGV[1], ARGV[2])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return 1
`);

/** As SETTLE, but only while no worker carries the execution out: ARGV document, ttl, run -> {'standing', document, published} | {'owned'} | {'settled'} */
export const SETTLE_UNOWNED = new LuaScript(`
local known = redis.call('HMGET', KEYS[2], 'run', 'published', 'forgotten', 'owner')
local standing = redis.call('GET', KEYS[1])
if standing then return {'standing', standing, known[2] or '0'} end
if known[3] then return {'standing', ARGV[1], '1'} end
if known[4] and known[4] ~= '' or known[1] and known[1] ~= ARGV[3] then return {'owned'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'owner', '')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {'settled'}
`);
