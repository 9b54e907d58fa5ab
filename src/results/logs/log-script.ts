import { GatheredScript } from '../../redis/gathered-script.js';

/** Part of its limit that a stream keeps when it is trimmed, so that not every batch trims. */
const KEPT = 0.9;

/**
 * Appends a batch of entries to a log stream, once: entries that are there already, from a batch whose
 * answer was lost, are left out, and nothing follows the end or a later attempt. Bounds the stream by the
 * memory that Redis says it uses, and wakes its watchers.
 *
 * KEYS stream. ARGV attempt, the `n` of each entry (JSON), entries (JSON: a list of lists of
 * field, value), limit in bytes, ttl in seconds, run -> 1 when the stream was trimmed, else 0
 */
export const APPEND = new GatheredScript(
  `
local attempt = tonumber(ARGV[1])
local numbers = cjson.decode(ARGV[2])
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local known = 0
if last then
  local fields = {}
  for i = 1, #last[2], 2 do fields[last[2][i]] = last[2][i + 1] end
  local lastAttempt = tonumber(fields.attempt) or 0
  if fields.type == 'end' or lastAttempt > attempt then return 0 end
  if fields.run == ARGV[6] then known = tonumber(fields.n) or 0 end
end
local id
for i, entry in ipairs(cjson.decode(ARGV[3])) do
  if numbers[i] > known then id = redis.call('XADD', KEYS[1], '*', unpack(entry)) end
end
local trimmed = 0
local used = redis.pcall('MEMORY', 'USAGE', KEYS[1])
if type(used) == 'number' and used > tonumber(ARGV[4]) then
  local keep = math.floor(redis.call('XLEN', KEYS[1]) * ${KEPT} * tonumber(ARGV[4]) / used)
  if redis.call('XTRIM', KEYS[1], 'MAXLEN', '~', keep) > 0 then trimmed = 1 end
end
redis.call('EXPIRE', KEYS[1], ARGV[5])
if id then redis.call('PUBLISH', KEYS[1], id) end
return trimmed
`,
  { keys: 1, args: 6 },
);
