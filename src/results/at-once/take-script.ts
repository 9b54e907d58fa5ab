import { GatheredScript } from '../../redis/gathered-script.js';
import type { BeginReply } from '../execution-scripts.js';
import { BEGINNING } from '../lua/ledger-functions.js';

/** Largest context that comes with the take; of a larger one the others that are gathered would have to wait. */
const INLINE_LIMIT_BYTES = 65_536;

/** {@link TAKE}: it was taken, or not; its context; whether its flag is set; the current generation. */
export type TakeReply = ['parent'] | ['taken', BeginReply, string | null, 0 | 1, string | null];

/**
 * BEGIN, and what is to be known before code can start, in one command. The job of a parent is left alone: what its
 * children came to is read first.
 *
 * KEYS result, ledger, attempts, context, flag to cancel, current generation, BullMQ's key of the job.
 * ARGV owner, worker, now, ttl, field of the job, '1' where there are generations -> {@link TakeReply}; the context is nil where it is missing, empty,
 * large or no text: it is then read by itself
 */
export const TAKE = new GatheredScript(
  `${BEGINNING}
local job = KEYS[7]
local hasNoResult, flag = true, 0
-- Mostly none of these is there, and one look is enough.
if redis.call('EXISTS', job .. ':processed', job .. ':failed', job .. ':dependencies', job .. ':unsuccessful', KEYS[1], KEYS[5]) > 0 then
  if redis.call('EXISTS', job .. ':processed', job .. ':failed', job .. ':dependencies', job .. ':unsuccessful') > 0 then
    return {'parent'}
  end
  hasNoResult, flag = false, redis.call('EXISTS', KEYS[5])
end
local generation = ARGV[6] == '1' and redis.call('GET', KEYS[6])
local begun = begin(KEYS[1], KEYS[2], {ARGV[1], ARGV[2], ARGV[3], ARGV[4], generation or '', ARGV[5]}, hasNoResult)
local text = redis.pcall('GETRANGE', KEYS[4], 0, ${INLINE_LIMIT_BYTES})
local isInline = type(text) == 'string' and #text > 0 and #text <= ${INLINE_LIMIT_BYTES}
return {'taken', begun, isInline and text, flag, generation}
`,
  { keys: 7, args: 6 },
);
