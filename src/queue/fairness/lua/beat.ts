import { CHOSEN_SCORES, PARKED_SCORES } from '../lane-levels.js';
import { SILENT_MS } from './places.js';

/*
 * Lua of the lanes, fifth part: what every worker does each second. It says what it runs, so that places are right again
 * after keys were lost, and one of the workers puts right what was left half-done.
 */
export const BEAT = `
local function countCapacity(owner, own)
  redis.call('HSET', P .. 'workers', owner, cjson.encode({own, now}))
  redis.call('PEXPIRE', P .. 'workers', 60000)
  local workers = redis.call('HGETALL', P .. 'workers')
  capacity = 0
  for i = 1, #workers, 2 do
    local entry = cjson.decode(workers[i + 1])
    if now - entry[2] < ${SILENT_MS} then capacity = capacity + entry[1]
    elseif now - entry[2] > 30000 then redis.call('HDEL', P .. 'workers', workers[i]) end
  end
  redis.call('SET', P .. 'capacity', capacity, 'PX', 60000)
end

-- running: {id, job, ms that it runs} of each. Long executions are charged while they run.
local function assertPlaces(owner, running)
  local held = {}
  for _, one in ipairs(running) do
    local id, job, ms = one[1], one[2], one[3]
    held[id] = true
    local known = placeOf(id)
    local place = known or takePlace(id, job.g, job, owner)
    if not known or place.o == '' and not place.t then
      leaveLane(id, job.g)
      leaveChosen(id, place)
      place.o, place.t = owner, now - ms
    end
    if place.o == owner then
      if ms > place.c and not place.f then
        addSlotTime(place.g, ms - place.c)
        place.c = ms
      end
      savePlace(id, place)
    end
  end
  return held
end

-- Places of executions that have ended without a word.
local function sweepPlaces(owner, held, leads)
  local all = redis.call('HGETALL', written(P .. 'places'))
  for i = 1, #all, 2 do
    local id, place = all[i], cjson.decode(all[i + 1])
    if place.o == owner then
      if not held[id] and now - (place.t or now) > 3000 then leavePlace(id, place) end
    elseif leads then
      local chosenAt = place.n and redis.call('ZSCORE', written(P .. 'fed'), id)
      local isOnItsWay = chosenAt and now - tonumber(chosenAt) < 2500
      if not isOnItsWay and (place.o == '' or not isAlive(place.o)) and isGone(id) then leavePlace(id, place) end
    end
  end
end

local function sweepTags()
  for _, org in ipairs(redis.call('ZRANGEBYSCORE', written(P .. 'tags'), '-inf', V, 'LIMIT', 0, 1000)) do
    setOwnTag(org, false)
    if redis.call('SISMEMBER', written(P .. 'backlog'), org) == 0 and redis.call('EXISTS', written(P .. 'run:' .. org)) == 0 then
      setMean(org, false)
    end
  end
end

-- Jobs that others have taken off the queue; nothing else looks at the lane of an organization that is alone.
local function sweepLanes()
  for _, org in ipairs(redis.call('SRANDMEMBER', written(P .. 'backlog'), 10)) do
    for band = 0, 1 do
      local heads = redis.call('ZRANGE', laneOf(org, band), 0, 199, 'WITHSCORES')
      for i = 1, #heads, 2 do
        if not isFresh(tonumber(heads[i + 1])) and isGone(heads[i]) then
          dropFromLane(org, band, heads[i])
          dropNeed(heads[i])
        end
      end
    end
    enterRing(org)
    leaveRingIfEmpty(org)
  end
  local names = redis.call('HGETALL', P .. 'blocks')
  for i = 1, math.min(#names, 200), 2 do
    local head = redis.call('ZRANGE', P .. 'blocked:' .. names[i], 0, 0)
    local job = head[1] and needOf(head[1])
    if not job or isGone(head[1]) or not fullCap(capsOf(job.g, job)) then unblock(names[i]) end
  end
end

-- What waited when a cap was set is held from then on, some of it at a time; until then workers find out one by one.
local function harden()
  for _, org in ipairs(redis.call('HRANDFIELD', P .. 'hardening', 5)) do
    local from = tonumber(redis.call('HGET', P .. 'hardening', org))
    local ids = {}
    for band = 0, 1 do
      for _, id in ipairs(redis.call('ZRANGE', laneOf(org, band), from, from + 499)) do ids[#ids + 1] = id end
    end
    if #ids == 0 or not isHard(org, {}) then redis.call('HDEL', P .. 'hardening', org)
    else redis.call('HSET', P .. 'hardening', org, from + 500) end
    for _, id in ipairs(isHard(org, {}) and ids or {}) do
      if redis.call('ZREM', Q .. 'prioritized', id) == 1 then redis.call('ZADD', Q .. 'delayed', HELD, id) end
    end
    if #ids > 0 then change('set', P .. 'hard', org, true) end
  end
end

-- Jobs that wait in none of our lanes: {without a priority, with a priority that is none of ours}; and how many lanes must hold
local function outside()
  local parked = redis.call('ZCOUNT', Q .. 'prioritized', ${PARKED_SCORES[0]}, ${PARKED_SCORES[1]})
  local chosen = redis.call('ZCOUNT', Q .. 'prioritized', ${CHOSEN_SCORES[0]}, ${CHOSEN_SCORES[1]})
  local held = redis.call('ZCOUNT', Q .. 'delayed', HELD, '+inf')
  return {redis.call('LLEN', Q .. 'wait'), redis.call('ZCARD', Q .. 'prioritized') - parked - chosen}, parked + held
end

-- Up to three organizations that wait or run.
local function someOrganizations()
  local orgs = redis.call('SRANDMEMBER', written(P .. 'backlog'), 3)
  local texts = redis.call('HVALS', written(P .. 'places'))
  for i = 1, math.min(#texts, 50) do orgs[#orgs + 1] = cjson.decode(texts[i]).g end
  return orgs
end

-- {'beat', owner, capacity, running} -> {1 when it leads, jobs outside the lanes, 0 when keys were lost that held jobs need, organizations, 0 when keys were lost since the last beat}
on['beat'] = function(event)
  local owner = event[2]
  countCapacity(owner, event[3])
  local held = assertPlaces(owner, event[4])
  local leads = redis.call('SET', P .. 'leader', owner, 'NX', 'PX', 3000) or redis.call('GET', P .. 'leader') == owner
  if leads then redis.call('PEXPIRE', P .. 'leader', 3000) end
  sweepPlaces(owner, held, leads)
  if not leads then return {0} end
  sweepTags()
  sweepLanes()
  harden()
  reachLessFar()
  if now - turned > 5000 then old, recent, turned = recent, seq, now end
  local jobs, inLanes = outside()
  local known = redis.call('EXISTS', P .. 'whole')
  if inLanes == 0 then redis.call('SET', P .. 'whole', 1) end
  return {1, jobs, redis.call('EXISTS', P .. 'whole'), someOrganizations(), known}
end

-- {'whole'}: all that waits is in lanes again
on['whole'] = function() redis.call('SET', P .. 'whole', 1) end

-- {'bye', owner}
on['bye'] = function(event)
  redis.call('HDEL', P .. 'workers', event[2])
  if redis.call('GET', P .. 'leader') == event[2] then redis.call('DEL', P .. 'leader') end
end
`;
