import { CHOSEN_SCORES } from '../lane-levels.js';

/** For how long what is chosen ahead may last, at the mean duration of executions. */
const AHEAD_MS = 250;
/** Of what is chosen ahead beyond what runs at once, this much is left after each second in which it was enough. */
const FEWER = 0.9;

/*
 * Lua of the lanes, third part: which jobs are taken next. As many are chosen ahead as all workers run at once, and some
 * more (extra) where they took all of those before it was known here: where executions are shorter than a note of a worker is
 * on its way. What is taken while nothing is chosen is the oldest, of any organization.
 */
export const FEED = `
-- How many are chosen ahead.
local function reach()
  local capacity = capacityOfAll()
  return capacity + math.floor(math.min(extra, capacity * math.max(0, ${AHEAD_MS} / math.max(1, mean or ${AHEAD_MS}) - 1)))
end

-- All that was chosen was taken at once.
local function reachFurther()
  if filled and redis.call('ZCOUNT', Q .. 'prioritized', ${CHOSEN_SCORES[0]}, ${CHOSEN_SCORES[1]}) == 0 then
    extra = reach() * 1.5 + 1 - capacityOfAll()
  end
end

local function reachLessFar() extra = extra * ${FEWER} end

-- One organization with nothing that limits it: BullMQ's own order is right, and nothing is chosen.
local function isAlone()
  local orgs = {}
  for band = 0, 1 do
    for _, org in ipairs(redis.call('ZRANGE', written(P .. 'ring:' .. band), 0, 1)) do orgs[org] = true end
  end
  local org = next(orgs)
  if org == nil then return true end
  if next(orgs, org) ~= nil then return false end
  local own = limitsOf(org)
  if own.max_running or own.rate or next(own.workflows or {}) then return false end
  return redis.call('SISMEMBER', written(P .. 'hard'), org) == 0
end

-- Jobs at the head of a lane that are looked at for one that can be taken.
local HEADS = 10

local function chooseFrom(org, band)
  local heads = redis.call('ZRANGE', laneOf(org, band), 0, HEADS - 1, 'WITHSCORES')
  local changed = #heads == 0
  for i = 1, #heads, 2 do
    local id, score = heads[i], tonumber(heads[i + 1])
    local job = needOf(id)
    local full = job and fullCap(capsOf(org, job))
    if full then
      dropFromLane(org, band, id)
      wait(id, job, full, score)
      changed = true
    elseif raise(id) then
      dropFromLane(org, band, id)
      if job then dropNeed(id) end
      choose(id, org, job or {})
      leaveRingIfEmpty(org)
      return 'chosen'
    elseif not isFresh(score) and isGone(id) then
      dropFromLane(org, band, id)
      if job then dropNeed(id) end
      changed = true
    end
  end
  if not changed then return 'none' end
  leaveRingIfEmpty(org)
  return 'changed'
end

local function feed()
  if not hasLanes() then
    filled = false
    return
  end
  for _, org in ipairs(redis.call('ZRANGEBYSCORE', written(P .. 'wake'), '-inf', now, 'LIMIT', 0, 100)) do
    change('sorted', P .. 'wake', org, false)
    enterRing(org)
  end
  reachFurther()
  local room = reach() - redis.call('ZCARD', written(P .. 'fed'))
  filled = room <= 0
  if filled or isAlone() then return end
  local looks = 0
  for band = 0, 1 do
    local ring, passed = P .. 'ring:' .. band, 0
    while room > 0 and looks < 200 do
      looks = looks + 1
      local first = redis.call('ZRANGE', written(ring), passed, passed, 'WITHSCORES')
      if #first == 0 then break end
      local org, tag = first[1], tagOf(first[1])
      local full = organizationFullUntil(org)
      if full then
        setRingTag(org, band, false)
        wakeAt(org, full)
      elseif tag and tag > tonumber(first[2]) then
        setRingTag(org, band, tag)
      else
        local outcome = chooseFrom(org, band)
        if outcome == 'chosen' then room = room - 1 end
        if outcome == 'none' then passed = passed + 1 end
      end
    end
  end
  filled = room <= 0
end
`;
