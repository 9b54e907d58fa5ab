/**
 * Lua: whether the job that a script of BullMQ has handed out was the last one that waits.
 *
 * With each job that it hands out BullMQ sets its marker, on which a worker wakes to look for another. Where none is left that
 * worker would find nothing, so the marker is taken away: whatever is added later sets it again.
 *
 * `handed`: what BullMQ's script answered; `wait`, `prioritized`, `marker`: keys of BullMQ.
 */
export const IS_LAST_JOB = `
local function isLastJob(handed, wait, prioritized, marker)
  if type(handed) ~= 'table' or type(handed[1]) ~= 'table' then return false end
  if redis.call('EXISTS', wait, prioritized) ~= 0 then return false end
  redis.call('ZREM', marker, '0')
  return true
end
`;
