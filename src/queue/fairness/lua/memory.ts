/*
 * Lua of the lanes, what stands before the other parts: each call of a script of Redis costs more than the command itself, and one batch
 * of events touches the same few keys again and again. So what is changed is kept until the key is read or the script ends,
 * and then written with all its members at once.
 *
 * A key that is changed by `change` is read through `written` alone.
 */
export const MEMORY = `
local P, Q = KEYS[1] .. ':', KEYS[2]

-- By key: {kind, members: what each of them is now; false: it is not there}
local changes = {}
-- Values in one command.
local MOST_VALUES = 1000

-- kind: 'set', 'sorted' or 'hash'; value: true of a set, a score, or what the field of a hash holds, of which a table becomes JSON; false removes it.
local function change(kind, key, member, value)
  local own = changes[key]
  if not own then
    own = {kind = kind, members = {}}
    changes[key] = own
  end
  own.members[member] = value
end

local COMMANDS = {set = {'SADD', 'SREM'}, sorted = {'ZADD', 'ZREM'}, hash = {'HSET', 'HDEL'}}

local function writeMembers(key, own)
  local kind, commands = own.kind, COMMANDS[own.kind]
  local added, removed = {}, {}
  local function send(command, values)
    if #values > 0 then redis.call(command, key, unpack(values)) end
    return {}
  end
  for member, value in pairs(own.members) do
    if value == false then removed[#removed + 1] = member
    elseif kind == 'set' then added[#added + 1] = member
    elseif kind == 'sorted' then added[#added + 1], added[#added + 2] = value, member
    else added[#added + 1], added[#added + 2] = member, type(value) == 'table' and cjson.encode(value) or value end
    if #added >= MOST_VALUES then added = send(commands[1], added) end
    if #removed >= MOST_VALUES then removed = send(commands[2], removed) end
  end
  send(commands[1], added)
  send(commands[2], removed)
end

-- The key, to be read.
local function written(key)
  local own = changes[key]
  if own then
    changes[key] = nil
    writeMembers(key, own)
  end
  return key
end

local function writeAll()
  for key, own in pairs(changes) do writeMembers(key, own) end
  changes = {}
end

-- What is known of an organization in this call: {tags, est: number or false; ring, lane: by band}
local organizations = {}
local function knownOf(org)
  local own = organizations[org]
  if not own then
    own = {ring = {}, lane = {}}
    organizations[org] = own
  end
  return own
end

local function laneOf(org, band) return P .. 'lane:' .. band .. ':' .. org end

-- Whether any organization may have a lane: where none has, nothing of lanes and rings is there to be read.
local areLanes
local function hasLanes()
  if areLanes == nil then areLanes = redis.call('EXISTS', written(P .. 'backlog')) == 1 end
  return areLanes
end

local function hasLane(org, band)
  if not hasLanes() then return false end
  local own = knownOf(org)
  if own.lane[band] == nil then own.lane[band] = redis.call('EXISTS', laneOf(org, band)) == 1 end
  return own.lane[band]
end

local function putIntoLane(org, band, id, score)
  redis.call('ZADD', laneOf(org, band), score, id)
  knownOf(org).lane[band] = true
  areLanes = true
end

-- false: it was not there.
local function dropFromLane(org, band, id)
  if redis.call('ZREM', laneOf(org, band), id) == 0 then return false end
  -- It may have been the last one.
  knownOf(org).lane[band] = nil
  return true
end

-- The tag of an organization among those of a band that wait and have room; false: it is not among them.
local function ringTagIn(org, band)
  local own = knownOf(org)
  if own.ring[band] == nil then
    own.ring[band] = hasLanes() and tonumber(redis.call('ZSCORE', written(P .. 'ring:' .. band), org) or '') or false
  end
  return own.ring[band]
end

-- tag: false takes it out.
local function setRingTag(org, band, tag)
  change('sorted', P .. 'ring:' .. band, org, tag)
  knownOf(org).ring[band] = tag
end

-- A number of each organization in one key -> what reads it, false: there is none; what sets it, false: takes it out.
local function numberOfEach(name, kind, command)
  local key = P .. name
  local function find(org)
    local own = knownOf(org)
    if own[name] == nil then own[name] = tonumber(redis.call(command, written(key), org) or '') or false end
    return own[name]
  end
  local function set(org, value)
    change(kind, key, org, value)
    knownOf(org)[name] = value
  end
  return find, set
end

-- Where it has one beside that of a ring.
local ownTagOf, setOwnTag = numberOfEach('tags', 'sorted', 'ZSCORE')
-- How long executions of an organization take, in ms; none where none has ended.
local meanOf, setMean = numberOfEach('est', 'hash', 'HGET')

-- By job: its place; false: it has none.
local places = {}
local function placeOf(id)
  if places[id] == nil then
    local text = redis.call('HGET', written(P .. 'places'), id)
    places[id] = text and cjson.decode(text) or false
  end
  return places[id]
end

local function savePlace(id, place)
  change('hash', P .. 'places', id, place)
  places[id] = place
end

-- Whether one is there that this call knows of; false: others may be.
local function isAnyPlaceKnown()
  for _, place in pairs(places) do
    if place then return true end
  end
  return false
end

-- Reads the places of all jobs at once that events are about.
local function readPlaces(events)
  local ids = {}
  for _, event in ipairs(events) do
    if event[1] == 'taken' or event[1] == 'ended' or event[1] == 'submit' then ids[#ids + 1] = event[2] end
  end
  if #ids == 0 then return end
  local texts = redis.call('HMGET', P .. 'places', unpack(ids))
  for i, id in ipairs(ids) do places[id] = texts[i] and cjson.decode(texts[i]) or false end
end

-- What a waiting job needs beside room in its organization; nil: nothing.
local areNeeds
local function hasNeeds()
  if areNeeds == nil then areNeeds = redis.call('EXISTS', written(P .. 'needs')) == 1 end
  return areNeeds
end

local function needOf(id)
  local text = hasNeeds() and redis.call('HGET', written(P .. 'needs'), id)
  return text and cjson.decode(text) or nil
end

local function setNeed(id, job)
  change('hash', P .. 'needs', id, job)
  areNeeds = true
end

local function dropNeed(id)
  if hasNeeds() then change('hash', P .. 'needs', id, false) end
end
`;
