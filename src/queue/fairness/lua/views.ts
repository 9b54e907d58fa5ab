/** How long an execution is said to take while none has ended. */
const UNKNOWN_MS = 100;

/*
 * Lua of the lanes for questions: nothing is changed.
 */
export const VIEWS = `
local MOST = 100

local function weightsInRing()
  local seen, sum, count = {}, 0, 0
  for band = 0, 1 do
    for _, org in ipairs(redis.call('ZRANGE', P .. 'ring:' .. band, 0, MOST - 1)) do
      if not seen[org] then
        seen[org], sum, count = true, sum + weightOf(org), count + 1
      end
    end
  end
  local others = math.max(redis.call('ZCARD', P .. 'ring:0'), redis.call('ZCARD', P .. 'ring:1')) - count
  return sum + math.max(0, others)
end

local weights = weightsInRing()

local function factsOf(org)
  local own = limitsOf(org)
  local full = organizationFullUntil(org)
  return {
    organization = org,
    running = redis.call('SCARD', P .. 'run:' .. org),
    maxRunning = own.max_running,
    rate = own.rate,
    opensAt = full and full > 0 and full or nil,
    weight = weightOf(org),
    -- One that cannot start now would add its own.
    weights = weights,
    isInRing = ringTagOf(org) ~= nil,
    meanMs = meanOf(org) or mean or ${UNKNOWN_MS},
    capacity = capacityOfAll(),
    interactive = redis.call('ZCARD', laneOf(org, 0)),
    background = redis.call('ZCARD', laneOf(org, 1)),
  }
end

local function factsOfJob(id, org)
  local facts = factsOf(org)
  facts.isChosen = redis.call('HEXISTS', P .. 'places', id) == 1
  for band = 0, 1 do
    local rank = redis.call('ZRANK', laneOf(org, band), id)
    if rank then facts.rank = rank + (band == 1 and facts.interactive or 0) end
  end
  local job = needOf(id)
  for _, cap in ipairs(job and capsOf(org, job) or {}) do
    local rank = redis.call('ZRANK', P .. 'blocked:' .. cap.name, id)
    if rank then
      local isKey = string.sub(cap.name, 1, 1) == 'k'
      facts.blocked = {by = isKey and 'key' or 'workflow', name = isKey and job.k or job.w, rank = rank, most = cap.most,
        running = redis.call('SCARD', P .. 'cap:' .. cap.name)}
    end
  end
  return facts
end

local answer = {}
if ARGV[2] == 'jobs' then
  for i, one in ipairs(cjson.decode(ARGV[1])) do answer[i] = cjson.encode(factsOfJob(one[1], one[2])) end
  return answer
end
local blocked, orgs = {}, {}
local names = redis.call('HGETALL', P .. 'blocks')
for i = 1, math.min(#names, 2000), 2 do
  blocked[names[i + 1]] = (blocked[names[i + 1]] or 0) + redis.call('ZCARD', P .. 'blocked:' .. names[i])
  orgs[names[i + 1]] = true
end
for _, org in ipairs(redis.call('SRANDMEMBER', P .. 'backlog', MOST)) do orgs[org] = true end
for band = 0, 1 do
  for _, org in ipairs(redis.call('ZRANGE', P .. 'ring:' .. band, 0, MOST - 1)) do orgs[org] = true end
end
local texts = redis.call('HVALS', P .. 'places')
for i = 1, math.min(#texts, 1000) do orgs[cjson.decode(texts[i]).g] = true end
for org in pairs(orgs) do
  local facts = factsOf(org)
  facts.blocked = blocked[org] or 0
  answer[#answer + 1] = cjson.encode(facts)
end
return answer
`;
