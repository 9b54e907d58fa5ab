import { LuaScript } from '../../redis/lua-script.js';
import { BEAT } from './lua/beat.js';
import { EVENTS } from './lua/events.js';
import { FEED } from './lua/feed.js';
import { MEMORY } from './lua/memory.js';
import { PLACES } from './lua/places.js';
import { SHARES } from './lua/shares.js';

/** Whether nothing waits and nothing runs, some run, or some wait in lanes or for a cap. */
export type LanesState = 'idle' | 'running' | 'waiting';

/** What {@link LANES} answers; the ms until a rate lets the next start, -1: none does. */
export type LanesReply = [state: LanesState, wakeMs: number, replies: unknown[]];

/**
 * KEYS our keys, the queue's keys; ARGV JSON of events -> {@link LanesReply}, with the reply to each event. One after the other, and then
 * jobs are chosen. When nothing waits and nothing runs, nothing is kept but what is set of organizations.
 */
export const LANES = new LuaScript(`
${MEMORY}${SHARES}${PLACES}${FEED}${EVENTS}${BEAT}
local events, replies = cjson.decode(ARGV[1]), {}
readPlaces(events)
for i, event in ipairs(events) do replies[i] = on[event[1]](event) or 0 end
feed()
writeAll()
if redis.call('EXISTS', P .. 'backlog', P .. 'blocks') == 0 then
  if not isAnyPlaceKnown() and redis.call('EXISTS', P .. 'places') == 0 then
    redis.call('UNLINK', P .. 'state', P .. 'tags', P .. 'est', P .. 'wake', P .. 'needs', P .. 'fed', P .. 'hardening', P .. 'ahead')
    return {'idle', -1, replies}
  end
  saveState()
  return {'running', -1, replies}
end
saveState()
local nextWake = redis.call('ZRANGE', P .. 'wake', 0, 0, 'WITHSCORES')[2]
return {'waiting', nextWake and math.max(0, math.ceil(tonumber(nextWake) - now)) or -1, replies}
`);
