import { CHOSEN, HELD_SCORE, LEVEL } from '../lane-levels.js';

/*
 * Lua of the lanes, first part, after memory.ts: what is kept, and shares of slot time.
 *
 * All keys begin with KEYS[1], the queue's own name and `lanes`, so that they share its slot on Cluster:
 *   lane:{band}:{org}  sorted set: job -> own priority and sequence number: what waits of an organization
 *   ring:{band}        sorted set: organization -> tag: those that have a lane and room
 *   backlog            set: organizations that have a lane
 *   hard               set: those of them with jobs that only this script makes takable
 *   places             hash: job -> JSON of {o owner ('' until it is taken), g organization, c milliseconds charged,
 *                      t when it was taken, w workflow, k concurrency key, l its limit, s sets of caps that it is in,
 *                      n it was chosen before it was on the queue, f it is free: ahead, p it is promised}
 *   fed                sorted set: job -> when it was chosen: those with a place that no worker has taken
 *   ahead              set: jobs with a place that came first although their organization was ahead; they cost it nothing
 *   run:{org}          set: jobs of an organization with a place
 *   cap:{name}         set: the same of a workflow or a concurrency key
 *   needs              hash: job -> JSON of what a waiting job needs beside room in its organization
 *   blocked:{name}     sorted set: jobs that wait for that cap, with their scores in the lane
 *   blocks             hash: name of a cap that jobs wait for -> its organization
 *   wake               sorted set: organization -> when its rate lets it start the next
 *   rate:{org}         list: when its latest executions started, as many as its rate counts; expires
 *   promised:{org}     set: chosen and not started, where there is a rate
 *   limits             hash: organization -> JSON of {weight, max_running, rate, workflows}
 *   hardening          hash: organization -> rank in its lane from which jobs are still to be held, since it got a cap
 *   tags, est          sorted set and hash: finish tag and mean duration of organizations that are ahead or wait
 *   state              hash: v virtual time, seq, est, the sequence number of 5 s ago, extra and filled: see the third part
 *   workers, capacity  hash and number: how many executions each worker, and all of them, run at once
 *   leader             worker that repairs and moves what is not in a lane
 *   whole              1; gone after keys were lost, until all that waits is in lanes again
 *
 * The order is that of start-time fair queueing (Goyal, Vin, Cheng 1996): an organization is charged the expected
 * slot time of an execution, divided by its weight, when that is chosen; the charge becomes the real time when it ends.
 */
export const SHARES = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local NUMBERS = {'v', 'seq', 'est', 'old', 'recent', 'turned', 'extra', 'filled'}
local stored = redis.call('HMGET', P .. 'state', unpack(NUMBERS))
for i, text in ipairs(stored) do stored[i] = tonumber(text or '') or false end
local V, seq = stored[1] or 0, stored[2] or 0
-- nil: nothing has ended yet
local mean = stored[3] or nil
local old, recent, turned = stored[4] or 0, stored[5] or 0, stored[6] or 0
local extra, filled = stored[7] or 0, stored[8] == 1
local LEVEL = ${LEVEL}
local SEQUENCES = 8589934592
local HELD = ${HELD_SCORE}

-- What of the state has changed: the text of a number with a fraction is dear.
local function saveState()
  local values, changed = {V, seq, mean or false, old, recent, turned, extra, filled and 1 or 0}, {}
  for i, value in ipairs(values) do
    if value ~= stored[i] and value ~= false then changed[#changed + 1], changed[#changed + 2] = NUMBERS[i], value end
  end
  if #changed > 0 then redis.call('HSET', P .. 'state', unpack(changed)) end
end

local capacity
-- How many executions all workers run at once.
local function capacityOfAll()
  if not capacity then capacity = tonumber(redis.call('GET', P .. 'capacity') or '0') end
  return capacity
end

local limits = {}
local function limitsOf(org)
  if limits[org] == nil then
    local text = redis.call('HGET', P .. 'limits', org)
    limits[org] = text and cjson.decode(text) or {}
  end
  return limits[org]
end

local function weightOf(org) return limitsOf(org).weight or 1 end

-- The tag of an organization that waits; nil: it does not.
local function ringTagOf(org) return ringTagIn(org, 0) or ringTagIn(org, 1) or nil end

local function tagOf(org) return ringTagOf(org) or ownTagOf(org) or nil end

-- From where an organization is charged. One that waits may be below V: it was charged more than what has ended took, and
-- would lose the difference if it began at V again.
local function startOf(org) return ringTagOf(org) or math.max(V, tagOf(org) or V) end

local function setTag(org, tag)
  setOwnTag(org, tag)
  for band = 0, 1 do
    if ringTagIn(org, band) then setRingTag(org, band, tag) end
  end
end

-- An organization that is not ahead of the others has no tag, and gets no credit for time it did not use.
local function addSlotTime(org, ms)
  local tag = tagOf(org)
  local new = (tag or V) + ms / weightOf(org)
  if tag or new > V then setTag(org, new) end
end

-- The least tag of those that wait; nil: none does.
local function leastTag()
  local least
  if not hasLanes() then return least end
  for band = 0, 1 do
    local first = tonumber(redis.call('ZRANGE', written(P .. 'ring:' .. band), 0, 0, 'WITHSCORES')[2])
    if first and not (least and least < first) then least = first end
  end
  return least
end

-- How long an execution takes, in ms. While none has ended, as little as can be: what was charged too little is made up for
-- at the end; too much would move virtual time on, and organizations that come next would begin too late for good.
local function expectedOf(org) return meanOf(org) or mean or 1 end

-- Virtual time is that of the organizations that wait: one that came first before its turn does not move it past them.
local function charge(org)
  local ms = expectedOf(org)
  local start = startOf(org)
  if start > V then V = math.max(V, math.min(start, leastTag() or start)) end
  setTag(org, start + ms / weightOf(org))
  return ms
end

local function noteDuration(org, ms)
  local before = meanOf(org)
  setMean(org, before and before * 0.8 + ms * 0.2 or ms)
  mean = mean and mean * 0.95 + ms * 0.05 or ms
end

local function enterRing(org)
  for band = 0, 1 do
    if not ringTagIn(org, band) and hasLane(org, band) then
      change('set', P .. 'backlog', org, true)
      setRingTag(org, band, startOf(org))
    end
  end
end

local function leaveRingIfEmpty(org)
  local empty = 0
  for band = 0, 1 do
    if not hasLane(org, band) then
      if ringTagIn(org, band) then setRingTag(org, band, false) end
      empty = empty + 1
    end
  end
  if empty == 2 then
    change('set', P .. 'backlog', org, false)
    change('set', P .. 'hard', org, false)
    change('sorted', P .. 'wake', org, false)
  end
end

-- Whether a job was put into its lane so lately that it may not be on the queue yet.
local function isFresh(score) return score % SEQUENCES >= old end

-- Whether the queue has nothing more to do for a job.
local function isGone(id)
  return redis.call('EXISTS', Q .. id) == 0 or redis.call('HEXISTS', Q .. id, 'finishedOn') == 1
end

local function nextScore(level)
  seq = (seq + 1) % SEQUENCES
  return level * LEVEL + seq % LEVEL
end

-- Makes a job the next to be taken. BullMQ does the same in changePriority and promote; here it happens together with
-- what made the room. False: it is not there to be taken.
local function raise(id)
  if redis.call('ZADD', Q .. 'prioritized', 'XX', 'CH', nextScore(${CHOSEN}), id) == 1 then return true end
  local held = redis.call('ZSCORE', Q .. 'delayed', id)
  if not held or tonumber(held) < HELD then return false end
  redis.call('ZREM', Q .. 'delayed', id)
  redis.call('HSET', Q .. id, 'delay', 0)
  redis.call('ZADD', Q .. 'prioritized', nextScore(${CHOSEN}), id)
  redis.call('XADD', Q .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'delayed')
  redis.call('ZADD', Q .. 'marker', 0, '0')
  return true
end
`;
