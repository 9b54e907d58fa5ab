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
  if most and redis.call('SCARD', P .. 'run:' .. org) >= most then return -1 end
  local opens = rateOpensAt(org, limitsOf(org).rate and redis.call('SCARD', P .. 'promised:' .. org) or 0)
  if opens > now then return opens end
end

local function fullCap(caps)
  for _, cap in ipairs(caps) do
    if redis.call('SCARD', P .. 'cap:' .. cap.name) >= cap.most then return cap end
  end
end

local function wakeAt(org, at)
  if at > 0 then redis.call('ZADD', P .. 'wake', at, org) end
end

local function takePlace(id, org, job, owner, isFree)
  local place = {o = owner, g = org, c = isFree and 0 or charge(org), w = job.w, k = job.k, l = job.l, f = isFree}
  redis.call('SADD', P .. 'run:' .. org, id)
  if isFree then redis.call('SADD', P .. 'ahead', id) end
  for i, cap in ipairs(capsOf(org, job)) do
    place.s = place.s or {}
    place.s[i] = cap.name
    redis.call('SADD', P .. 'cap:' .. cap.name, id)
  end
  return place
end

local function savePlace(id, place) redis.call('HSET', P .. 'places', id, cjson.encode(place)) end

-- isNew: it is not on the queue yet.
local function choose(id, org, job, isNew, isFree)
  local place = takePlace(id, org, job, '', isFree)
  place.n = isNew
  savePlace(id, place)
  redis.call('ZADD', P .. 'fed', now, id)
  if limitsOf(org).rate then redis.call('SADD', P .. 'promised:' .. org, id) end
end

local function startPlace(id, place, owner)
  place.o, place.t = owner, now
  redis.call('ZREM', P .. 'fed', id)
  local rate = limitsOf(place.g).rate
  if rate then
    redis.call('SREM', P .. 'promised:' .. place.g, id)
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
    local text = redis.call('HGET', P .. 'needs', head[1])
    if text then
      local job = cjson.decode(text)
      redis.call('ZADD', laneOf(job.g, job.b), head[2], head[1])
      redis.call('SADD', P .. 'hard', job.g)
      enterRing(job.g)
      break
    end
  end
  if redis.call('EXISTS', key) == 0 then redis.call('HDEL', P .. 'blocks', name) end
end

-- ms: how long it ran; nil: it did not.
local function leavePlace(id, place, ms)
  local org = place.g
  redis.call('HDEL', P .. 'places', id)
  redis.call('ZREM', P .. 'fed', id)
  redis.call('SREM', P .. 'run:' .. org, id)
  redis.call('SREM', P .. 'promised:' .. org, id)
  redis.call('SREM', P .. 'ahead', id)
  if not place.f then addSlotTime(org, (ms or 0) - place.c) end
  if ms then noteDuration(org, ms) end
  for _, name in ipairs(place.s or {}) do
    redis.call('SREM', P .. 'cap:' .. name, id)
    unblock(name)
  end
  enterRing(org)
end

local function leave(id, owner, ms)
  local text = redis.call('HGET', P .. 'places', id)
  if not text then return false end
  local place = cjson.decode(text)
  if place.o == owner or place.o == '' then leavePlace(id, place, place.t and ms) end
  return true
end

local function isAlive(owner)
  local seen = redis.call('HGET', P .. 'workers', owner)
  return seen and now - cjson.decode(seen)[2] < ${SILENT_MS}
end

local function leaveLane(id, org)
  local score
  for band = 0, 1 do
    score = score or redis.call('ZSCORE', laneOf(org, band), id)
    if redis.call('ZREM', laneOf(org, band), id) == 1 then leaveRingIfEmpty(org) end
  end
  return score
end

local function forgetNeeds(id)
  local text = redis.call('HGET', P .. 'needs', id)
  if not text then return end
  local job = cjson.decode(text)
  redis.call('HDEL', P .. 'needs', id)
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
  if job.k or job.w and limitsOf(org).workflows then redis.call('HSET', P .. 'needs', id, cjson.encode(job)) end
  if full then
    redis.call('ZADD', P .. 'blocked:' .. full.name, score, id)
    redis.call('HSET', P .. 'blocks', full.name, org)
  else
    redis.call('ZADD', laneOf(org, band), score, id)
    enterRing(org)
  end
end

local function isHard(org, caps)
  local own = limitsOf(org)
  return own.max_running or own.rate or #caps > 0
end
`;
