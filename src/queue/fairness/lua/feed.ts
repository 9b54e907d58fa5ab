/*
 * Lua of the lanes, third part: which jobs are taken next. As many are chosen ahead as all workers run at once, so that
 * none of them ever finds nothing while it asks.
 */
export const FEED = `
-- One organization with nothing that limits it: BullMQ's own order is right, and nothing is chosen.
local function isAlone()
  local orgs = {}
  for band = 0, 1 do
    for _, org in ipairs(redis.call('ZRANGE', P .. 'ring:' .. band, 0, 1)) do orgs[org] = true end
  end
  local org = next(orgs)
  if org == nil then return true end
  if next(orgs, org) ~= nil then return false end
  local own = limitsOf(org)
  if own.max_running or own.rate or next(own.workflows or {}) then return false end
  return redis.call('SISMEMBER', P .. 'hard', org) == 0
end

-- Jobs at the head of a lane that are looked at for one that can be taken.
local HEADS = 10

local function chooseFrom(org, band)
  local lane = laneOf(org, band)
  local heads = redis.call('ZRANGE', lane, 0, HEADS - 1, 'WITHSCORES')
  local changed = #heads == 0
  for i = 1, #heads, 2 do
    local id, score = heads[i], tonumber(heads[i + 1])
    local text = redis.call('HGET', P .. 'needs', id)
    local job = text and cjson.decode(text) or {}
    local full = text and fullCap(capsOf(org, job))
    if full then
      redis.call('ZREM', lane, id)
      wait(id, job, full, score)
      changed = true
    elseif raise(id) then
      redis.call('ZREM', lane, id)
      redis.call('HDEL', P .. 'needs', id)
      choose(id, org, job)
      leaveRingIfEmpty(org)
      return 'chosen'
    elseif not isFresh(score) and isGone(id) then
      redis.call('ZREM', lane, id)
      redis.call('HDEL', P .. 'needs', id)
      changed = true
    end
  end
  if not changed then return 'none' end
  leaveRingIfEmpty(org)
  return 'changed'
end

local function feed()
  for _, org in ipairs(redis.call('ZRANGEBYSCORE', P .. 'wake', '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', P .. 'wake', org)
    enterRing(org)
  end
  local room = capacity - redis.call('ZCARD', P .. 'fed')
  if room <= 0 or isAlone() then return end
  local looks = 0
  for band = 0, 1 do
    local ring, passed = P .. 'ring:' .. band, 0
    while room > 0 and looks < 200 do
      looks = looks + 1
      local first = redis.call('ZRANGE', ring, passed, passed, 'WITHSCORES')
      if #first == 0 then break end
      local org, tag = first[1], tagOf(first[1])
      local full = organizationFullUntil(org)
      if full then
        redis.call('ZREM', ring, org)
        wakeAt(org, full)
      elseif tag and tag > tonumber(first[2]) then
        redis.call('ZADD', ring, tag, org)
      else
        local outcome = chooseFrom(org, band)
        if outcome == 'chosen' then room = room - 1 end
        if outcome == 'none' then passed = passed + 1 end
      end
    end
  end
end
`;
