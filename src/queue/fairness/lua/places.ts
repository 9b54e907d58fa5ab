/** How long a worker is counted after its last beat. */
export const SILENT_MS = 5_000;

/*
 * Lua of the lanes, second part: places. A place belongs to the execution, not to its worker's lock: it is given
 * back by what ends the execution, so that a job that comes back from a dead worker finds its own.
 */
export const PLACES = `
local function capsOf(org, job)
  local caps = {}
  local most = job.w and (limitsOf(org).workflows or {})[job.w]
  if most then caps[1] = {name = 'w:' .. #org .. ':' .. org .. ':' .. job.w, most = most} end
  if job.k then caps[#caps + 1] = {name = 'k:' .. #org .. ':' .. org .. ':' .. job.k, most = job.l or 1} end
  return caps
end

-- The time from which the rate of an organization lets one more start, beside those that were promised to.
local function rateOpensAt(org, promised)
  local rate = limitsOf(org).rate
  if not rate then return 0 end
  if promised >= rate.executions then return now + 1000 end
  local start = redis.call('LINDEX', P .. 'rate:' .. org, rate.executions - 1 - promised)
  return start and tonumber(start) + rate.ms or 0
end

-- nil: the organization has room. Else when it will have, or -1 for when a place is given back.
local function organizationFullUntil(org)
  local most = limitsOf(org).max_running
  if most and redis.call('SCARD', written(P .. 'run:' .. org)) >= most then return -1 end
  local opens = rateOpensAt(org, limitsOf(org).rate and redis.call('SCARD', written(P .. 'promised:' .. org)) or 0)
  if opens > now then return opens end
end

local function fullCap(caps)
  for _, cap in ipairs(caps) do
    if redis.call('SCARD', written(P .. 'cap:' .. cap.name)) >= cap.most then return cap end
  end
end

local function wakeAt(org, at)
  if at > 0 then change('sorted', P .. 'wake', org, at) end
end

local function takePlace(id, org, job, owner, isFree)
  local place = {o = owner, g = org, c = isFree and 0 or charge(org), w = job.w, k = job.k, l = job.l, f = isFree}
  change('set', P .. 'run:' .. org, id, true)
  if isFree then change('set', P .. 'ahead', id, true) end
  for i, cap in ipairs(capsOf(org, job)) do
    place.s = place.s or {}
    place.s[i] = cap.name
    change('set', P .. 'cap:' .. cap.name, id, true)
  end
  return place
end

-- isNew: it is not on the queue yet.
local function choose(id, org, job, isNew, isFree)
  local place = takePlace(id, org, job, '', isFree)
  place.n = isNew
  change('sorted', P .. 'fed', id, now)
  if limitsOf(org).rate then
    place.p = true
    change('set', P .. 'promised:' .. org, id, true)
  end
  savePlace(id, place)
end

-- It is not among those any more that were chosen and not taken. Places of former versions do not say that a rate was kept.
local function leaveChosen(id, place)
  change('sorted', P .. 'fed', id, false)
  if place.p or limitsOf(place.g).rate then change('set', P .. 'promised:' .. place.g, id, false) end
  place.p = nil
end

local function startPlace(id, place, owner)
  place.o, place.t = owner, now
  local rate = limitsOf(place.g).rate
  if rate then
    redis.call('LPUSH', P .. 'rate:' .. place.g, now)
    redis.call('LTRIM', P .. 'rate:' .. place.g, 0, rate.executions - 1)
    redis.call('PEXPIRE', P .. 'rate:' .. place.g, rate.ms)
    -- When the next may start is known now.
    enterRing(place.g)
  end
  savePlace(id, place)
end

-- Puts a job that waits for this cap back into its lane.
local function unblock(name)
  local key = P .. 'blocked:' .. name
  for _ = 1, 20 do
    local head = redis.call('ZPOPMIN', key)
    if #head == 0 then break end
    local job = needOf(head[1])
    if job then
      putIntoLane(job.g, job.b, head[1], head[2])
      change('set', P .. 'hard', job.g, true)
      enterRing(job.g)
      break
    end
  end
  if redis.call('EXISTS', key) == 0 then redis.call('HDEL', P .. 'blocks', name) end
end

-- ms: how long it ran; nil: it did not.
local function leavePlace(id, place, ms)
  local org = place.g
  savePlace(id, false)
  if not place.t then leaveChosen(id, place) end
  change('set', P .. 'run:' .. org, id, false)
  if place.f then change('set', P .. 'ahead', id, false) end
  if not place.f then addSlotTime(org, (ms or 0) - place.c) end
  if ms then noteDuration(org, ms) end
  for _, name in ipairs(place.s or {}) do
    change('set', P .. 'cap:' .. name, id, false)
    unblock(name)
  end
  enterRing(org)
end

local function leave(id, owner, ms)
  local place = placeOf(id)
  if not place then return false end
  if place.o == owner or place.o == '' then leavePlace(id, place, place.t and ms) end
  return true
end

local function isAlive(owner)
  local seen = redis.call('HGET', P .. 'workers', owner)
  return seen and now - cjson.decode(seen)[2] < ${SILENT_MS}
end

local function leaveLane(id, org)
  for band = 0, 1 do
    local score = hasLane(org, band) and redis.call('ZSCORE', laneOf(org, band), id)
    if score then
      dropFromLane(org, band, id)
      leaveRingIfEmpty(org)
      return score
    end
  end
end

local function forgetNeeds(id)
  local job = needOf(id)
  if not job then return end
  dropNeed(id)
  for _, cap in ipairs(capsOf(job.g, job)) do
    redis.call('ZREM', P .. 'blocked:' .. cap.name, id)
    if redis.call('EXISTS', P .. 'blocked:' .. cap.name) == 0 then redis.call('HDEL', P .. 'blocks', cap.name) end
  end
end

-- full: the cap that it waits for; nil: it waits in its lane.
local function wait(id, job, full, score)
  local org, band = job.g, job.b
  if not score then
    seq = (seq + 1) % SEQUENCES
    score = job.p * SEQUENCES + seq
  end
  if job.k or job.w and limitsOf(org).workflows then setNeed(id, job) end
  if full then
    redis.call('ZADD', P .. 'blocked:' .. full.name, score, id)
    redis.call('HSET', P .. 'blocks', full.name, org)
  else
    putIntoLane(org, band, id, score)
    enterRing(org)
  end
end

local function isHard(org, caps)
  local own = limitsOf(org)
  return own.max_running or own.rate or #caps > 0
end
`;
