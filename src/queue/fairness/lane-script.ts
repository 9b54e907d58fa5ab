import { LuaScript } from '../../redis/lua-script.js';
import { BEAT } from './lua/beat.js';
import { EVENTS } from './lua/events.js';
import { FEED } from './lua/feed.js';
import { PLACES } from './lua/places.js';
import { SHARES } from './lua/shares.js';

/**
 * KEYS our keys, the queue's keys; ARGV JSON of events -> {'1' when anything waits or runs, ms until a rate lets the
 * next start or -1, reply to each event}. One after the other, and then jobs are chosen. When nothing waits and nothing
 * runs, nothing is kept but what is set of organizations.
 */
export const LANES = new LuaScript(`
${SHARES}${PLACES}${FEED}${EVENTS}${BEAT}
local replies = {}
for i, event in ipairs(cjson.decode(ARGV[1])) do replies[i] = on[event[1]](event) or 0 end
feed()
local isIdle = redis.call('EXISTS', P .. 'places', P .. 'backlog', P .. 'blocks') == 0
if isIdle then redis.call('UNLINK', P .. 'state', P .. 'tags', P .. 'est', P .. 'wake', P .. 'needs', P .. 'fed', P .. 'hardening', P .. 'ahead')
else
  redis.call('HSET', P .. 'state', 'v', V, 'seq', seq, 'old', old, 'recent', recent, 'turned', turned, 'extra', extra,
    'filled', filled and 1 or 0)
  if mean then redis.call('HSET', P .. 'state', 'est', mean) end
end
local nextWake = redis.call('ZRANGE', P .. 'wake', 0, 0, 'WITHSCORES')[2]
return {isIdle and '0' or '1', nextWake and math.max(0, math.ceil(tonumber(nextWake) - now)) or -1, replies}
`);
