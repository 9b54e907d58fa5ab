import { CHOSEN, FIRST } from '../lane-levels.js';

/** In executions. */
const LEAD = 5;
/** Of all slots. */
const AHEAD = 1 / 8;

/*
 * Lua of the lanes, fourth part: what happens to jobs. Each event is an array whose first part is its kind; `job` is
 * {g organization, b band 0 or 1, p own priority, v its priority in BullMQ while it is in a lane, w workflow,
 * k concurrency key, l limit of that}. Every event may come twice.
 */
export const EVENTS = `
local on = {}

-- How far an organization that has hardly anything may be ahead of its share and still come first. It is a lead, not a
-- rate: once it is used up, the organization waits for its turn like the others.
local function leadOf(org)
  return ${LEAD} * expectedOf(org) / weightOf(org)
end

-- What runs of an organization that has hardly anything: {} or one that a worker has taken. That may have ended, and the
-- client that waited for it asks for the next before it is known. nil: it has more.
local function hardlyAnything(org)
  local key = written(P .. 'run:' .. org)
  if redis.call('SCARD', key) > 1 then return nil end
  local run = redis.call('SMEMBERS', key)
  if #run == 0 then return run end
  local place = placeOf(run[1])
  return place and place.t and run or nil
end

-- A client that asks for one thing at a time comes first beyond its lead too, for nothing, as long as few slots serve such.
local function hasRoomAhead(run)
  local ahead = written(P .. 'ahead')
  local own = run[1] and redis.call('SISMEMBER', ahead, run[1]) or 0
  return redis.call('SCARD', ahead) - own + 1 <= math.floor(capacityOfAll() * ${AHEAD} + 0.5)
end

-- {'submit', id, job} -> its priority in BullMQ; -1: it must be held
on['submit'] = function(event)
  local id, job = event[2], event[3]
  if placeOf(id) then return ${CHOSEN} end
  local org, caps = job.g, capsOf(job.g, job)
  local hard, full = isHard(org, caps), fullCap(caps)
  local closed = organizationFullUntil(org)
  if not full and not closed and job.b == 0 and not hasLane(org, 0) then
    local tag, level = tagOf(org), nil
    local ahead = tag and tag > V + leadOf(org)
    local run = hardlyAnything(org)
    if run and (not ahead or hasRoomAhead(run)) then level = ${FIRST}
    elseif hard and redis.call('ZCARD', written(P .. 'fed')) < reach() and redis.call('EXISTS', written(P .. 'ring:0')) == 0 then
      level = ${CHOSEN}
    end
    if level then
      choose(id, org, job, true, level == ${FIRST} and ahead)
      return level
    end
  end
  wait(id, job, full)
  if not hard then return job.v end
  change('set', P .. 'hard', org, true)
  return -1
end

-- Whether a job was given its place for what it turns out to be, by what is set now.
local function isPlaceOf(place, job)
  local caps, names = capsOf(job.g, job), place.s or {}
  if place.g ~= job.g or #caps ~= #names then return false end
  for i, cap in ipairs(caps) do if cap.name ~= names[i] then return false end end
  return true
end

-- {'taken', id, job, owner, yields} -> 'go', 'theirs', 'held' or 'parked'
-- yields: it came from a producer of its own, past the lanes, and gives way where it is not the turn of its organization
on['taken'] = function(event)
  local id, job, owner = event[2], event[3], event[4]
  local org, place = job.g, placeOf(id)
  if place and not place.t and not isPlaceOf(place, job) then
    leavePlace(id, place)
    place = nil
  end
  if place then
    if place.o ~= '' and place.o ~= owner and isAlive(place.o) then return 'theirs' end
    if not place.t and rateOpensAt(org, 0) > now then
      leavePlace(id, place)
      redis.call('HSET', Q .. id, 'priority', job.v)
      change('set', P .. 'hard', org, true)
      wait(id, job)
      return 'held'
    end
    if place.t then
      place.o = owner
      savePlace(id, place)
    else
      leaveChosen(id, place)
      startPlace(id, place, owner)
    end
    return 'go'
  end
  local score = leaveLane(id, org)
  forgetNeeds(id)
  local caps = capsOf(org, job)
  local full, closed = fullCap(caps), organizationFullUntil(org)
  if full or closed then
    redis.call('HSET', Q .. id, 'priority', job.v)
    change('set', P .. 'hard', org, true)
    wait(id, job, full, score)
    return 'held'
  end
  if event[5] and not score then
    local first = hasLanes() and redis.call('ZRANGE', written(P .. 'ring:0'), 0, 0, 'WITHSCORES') or {}
    if first[1] and first[1] ~= org and (tagOf(org) or V) > tonumber(first[2]) then
      redis.call('HSET', Q .. id, 'priority', job.v)
      wait(id, job)
      return 'parked'
    end
  end
  startPlace(id, takePlace(id, org, job, owner), owner)
  return 'go'
end

-- {'ended', id, organization, owner, ms}
on['ended'] = function(event)
  if not leave(event[2], event[4], event[5]) then leaveLane(event[2], event[3]) end
end

-- A job that comes again is in no lane: by its priority it is taken next, or put into its lane anew.
local function comesAgainWith(id, level)
  if level < 0 or redis.call('EXISTS', Q .. id) == 0 then return end
  redis.call('HSET', Q .. id, 'priority', level)
  if redis.call('ZSCORE', Q .. 'prioritized', id) then
    redis.call('ZADD', Q .. 'prioritized', nextScore(level), id)
  end
end

-- {'again', id, organization, owner, ms, priority}: it did not end, and comes again; -1: with the priority that it has
on['again'] = function(event)
  leave(event[2], event[4], event[5])
  comesAgainWith(event[2], event[6])
end

-- {'elsewhere', id, owner, priority}: another worker carries it out, and its place is that one's
on['elsewhere'] = function(event)
  local place = placeOf(event[2])
  comesAgainWith(event[2], event[4])
  if not place or place.o ~= event[3] then return end
  place.o = ''
  savePlace(event[2], place)
end

-- {'removed', id, organization}: it was taken off the queue
on['removed'] = function(event)
  local id = event[2]
  leaveLane(id, event[3])
  forgetNeeds(id)
  local place = placeOf(id)
  if place and not place.t then leavePlace(id, place) end
end

-- {'move', id, job}: into its lane, from where a producer of its own has put it -> 1 when it is not there any more
on['move'] = function(event)
  local id, job = event[2], event[3]
  if placeOf(id) then return 0 end
  local caps = capsOf(job.g, job)
  local hard = isHard(job.g, caps)
  local held = tonumber(redis.call('ZSCORE', Q .. 'delayed', id) or '0') >= HELD
  local at = redis.call('ZSCORE', Q .. 'prioritized', id)
  -- Where only our own keys were lost.
  local stays = held and hard or at and not hard and math.floor(tonumber(at) / LEVEL) == job.v
  if not stays then
    if held then redis.call('ZREM', Q .. 'delayed', id)
    elseif redis.call('LREM', Q .. 'wait', -1, id) == 0 and redis.call('ZREM', Q .. 'prioritized', id) == 0 then return 0 end
    redis.call('HSET', Q .. id, 'priority', job.v)
    if hard then redis.call('ZADD', Q .. 'delayed', HELD, id)
    else redis.call('ZADD', Q .. 'prioritized', job.v * LEVEL + redis.call('INCR', Q .. 'pc') % LEVEL, id) end
  end
  local score = leaveLane(id, job.g)
  forgetNeeds(id)
  if hard then change('set', P .. 'hard', job.g, true) end
  wait(id, job, fullCap(caps), score)
  return stays and 0 or 1
end

-- {'limits', organization, JSON or ''}: what is set of it has changed
on['limits'] = function(event)
  local org, text = event[2], event[3]
  if (redis.call('HGET', P .. 'limits', org) or '') == text then return end
  if text == '' then redis.call('HDEL', P .. 'limits', org) else redis.call('HSET', P .. 'limits', org, text) end
  limits[org] = nil
  local own = limitsOf(org)
  if own.max_running or own.rate then redis.call('HSET', P .. 'hardening', org, 0) end
  enterRing(org)
  local names = redis.call('HGETALL', P .. 'blocks')
  for i = 1, #names, 2 do
    if names[i + 1] == org then
      for _ = 1, math.min(1000, redis.call('ZCARD', P .. 'blocked:' .. names[i])) do unblock(names[i]) end
    end
  end
end

on['look'] = function() end
`;
