import { STARTS_KEPT } from '../start-history.js';

/*
 * Lua that several scripts of the ledger have in common, those of one command for an execution among them: see ../execution-scripts.ts.
 */

/** Jobs of one execution that are remembered; of any further one a retry is taken for another job. */
const MARKS_KEPT = 256;

/** Lua: remembers that a delivery comes to an end; an older one, of a frozen worker, does not replace a later one. */
export const MARK = `
-- Adds to fields what is to be set: known is the mark that the job has, marks how many there are.
local function addMark(fields, field, text, known, marks)
  if known then
    local added, stalls = string.match(known, '^(%d+):%d+:(%d+)')
    local sameAdded, newStalls = string.match(text, '^(%d+):%d+:(%d+)')
    if added == sameAdded and tonumber(newStalls) < tonumber(stalls) then return end
  else
    local count = tonumber(marks or '0') + 1
    fields[#fields + 1], fields[#fields + 2] = 'marks', count
    if count > ${MARKS_KEPT} then return end
  end
  fields[#fields + 1], fields[#fields + 2] = field, text
end
local function mark(key, field, text)
  local fields, known = {}, redis.call('HMGET', key, field, 'marks')
  addMark(fields, field, text, known[1], known[2])
  if #fields > 0 then redis.call('HSET', key, unpack(fields)) end
end
`;

/** Lua: counts a start and notes the worker that makes it. */
export const START = `
local function start(key, worker, now)
  local n = redis.call('HINCRBY', key, 'starts', 1)
  redis.call('HSET', key, 'start:' .. n, worker .. ' ' .. now)
  if n > ${STARTS_KEPT} then redis.call('HDEL', key, 'start:' .. (n - ${STARTS_KEPT}), 'end:' .. (n - ${STARTS_KEPT})) end
  return n
end
`;

/** Lua: begins an execution, as BEGIN says. hasNoResult: that is known already. */
export const BEGINNING = `
local function begin(result, ledger, ARGV, hasNoResult)
  local known = redis.call('HMGET', ledger, 'forgotten', 'owner', 'generation', 'cancel_asked_at', 'cancel_reason', 'run', 'freed_at', 'pause_ms', 'marks', 'starts', 'attempt')
  local standing = not hasNoResult and redis.call('GET', result)
  local run = known[6] or '1'
  if known[1] or standing then
    local marks = redis.call('HMGET', ledger, ARGV[6], 'marks')
    return {'ended', not known[1] and standing or '', run, marks[1], marks[2]}
  end
  if known[2] and known[2] ~= '' then return {'owned', known[2]} end
  local attempt, starts = tonumber(known[11] or '0') + 1, tonumber(known[10] or '0')
  local entry = {'owner', ARGV[1], 'worker', ARGV[2], 'started_at', ARGV[3], 'attempt', attempt}
  local function set(field, value) entry[#entry + 1], entry[#entry + 2] = field, value end
  if not known[9] then set('marks', '0') end
  local generation = known[3]
  if not generation and ARGV[5] ~= '' then
    generation = ARGV[5]
    set('generation', generation)
  end
  if not known[4] then
    starts = starts + 1
    set('starts', starts)
    set('start:' .. starts, ARGV[2] .. ' ' .. ARGV[3])
  end
  redis.call('HSET', ledger, unpack(entry))
  if starts > ${STARTS_KEPT} then redis.call('HDEL', ledger, 'start:' .. (starts - ${STARTS_KEPT}), 'end:' .. (starts - ${STARTS_KEPT})) end
  if attempt > 1 then redis.call('HDEL', ledger, 'progress') end
  redis.call('EXPIRE', ledger, ARGV[4])
  return {'started', attempt, 0, generation, known[4], known[5], run, known[7], known[8], starts}
end
`;

/** Lua: settles an execution, as SETTLE says, but for the list of its attempts -> that reply; whether the document has come to stand now; what was counted of its use */
export const SETTLING = `${MARK}
local function settle(result, ledger, ARGV)
  local known = redis.call('HMGET', ledger, 'run', 'published', 'forgotten', 'starts', 'counted', 'marks', ARGV[4])
  if known[1] and known[1] ~= ARGV[3] then return {ARGV[1], 'stale'} end
  if known[3] then return {ARGV[1], '1'} end
  local isOutdated = tonumber(known[4] or '0') > tonumber(ARGV[6])
  local isNew = not isOutdated and redis.call('SET', result, ARGV[1], 'NX', 'EX', ARGV[2])
  local standing = not isNew and redis.call('GET', result)
  if not isNew and not standing then return {ARGV[1], 'outdated'} end
  local fields = {}
  if isNew then fields = {'owner', ''} end
  if ARGV[4] ~= '' then addMark(fields, ARGV[4], ARGV[5], known[7], known[6]) end
  if #fields > 0 then redis.call('HSET', ledger, unpack(fields)) end
  if standing then return {standing, known[2] or '0'}, false, known[5] end
  redis.call('EXPIRE', ledger, ARGV[2])
  return {ARGV[1], '0'}, true, known[5]
end
`;
