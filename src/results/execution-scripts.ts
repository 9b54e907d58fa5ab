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
 * Every script takes KEYS = {result, ledger}.
 */

/** ARGV owner, worker, now, ttl -> {'ended'} | {'owned', owner} | {'started', attempt, generation or nil} */
export const BEGIN = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return {'ended'} end
local owner = redis.call('HGET', KEYS[2], 'owner')
if owner and owner ~= '' then return {'owned', owner} end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempt', 1)
redis.call('HSET', KEYS[2], 'owner', ARGV[1], 'worker', ARGV[2], 'started_at', ARGV[3])
redis.call('HDEL', KEYS[2], 'progress')
redis.call('EXPIRE', KEYS[2], ARGV[4])
return {'started', attempt, redis.call('HGET', KEYS[2], 'generation')}
`);

/** ARGV from, owner, worker, now, lost ('1' when a worker was lost, '0' when we are that owner) -> {'ended'} | {'owned', owner} | {'started', attempt, generation or nil, lost} */
export const TAKE_OVER = new LuaScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return {'ended'} end
local owner = redis.call('HGET', KEYS[2], 'owner')
if owner ~= ARGV[1] then return {'owned', owner or ''} end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempt', 1)
local lost = redis.call('HINCRBY', KEYS[2], 'lost', ARGV[5])
redis.call('HSET', KEYS[2], 'owner', ARGV[2], 'worker', ARGV[3], 'started_at', ARGV[4])
redis.call('HDEL', KEYS[2], 'progress')
return {'started', attempt, redis.call('HGET', KEYS[2], 'generation'), lost}
`);

/** ARGV owner, counted ('0' takes the attempt back) -> 1 when it was ours */
export const LET_GO = new LuaScript(`
if redis.call('HGET', KEYS[2], 'owner') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'owner', '')
if ARGV[2] == '0' then redis.call('HINCRBY', KEYS[2], 'attempt', -1) end
return 1
`);

/** ARGV document, ttl -> {document that stands, '1' when it is on the result queue already} */
export const SETTLE = new LuaScript(`
local standing = redis.call('GET', KEYS[1])
if standing then return {standing, redis.call('HGET', KEYS[2], 'published') or '0'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'owner', '')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return {ARGV[1], '0'}
`);
