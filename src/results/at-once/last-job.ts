/**
 * Lua: with each job that it hands out BullMQ sets its marker, on which a worker wakes to look for another. Where the job was the last
 * that waits, that worker would find nothing: the marker is removed, and whatever is added later sets it again.
 *
 * `handed`: what BullMQ's script answered; `wait`, `prioritized`, `marker`: keys of BullMQ -> true: it was the last
 */
export const REMOVE_MARKER_AFTER_LAST = `
local function removeMarkerAfterLast(handed, wait, prioritized, marker)
  if type(handed) ~= 'table' or type(handed[1]) ~= 'table' then return false end
  if redis.call('EXISTS', wait, prioritized) ~= 0 then return false end
  redis.call('ZREM', marker, '0')
  return true
end
`;
