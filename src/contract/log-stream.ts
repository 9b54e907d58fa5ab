import { z } from 'zod';
import { EXECUTION_STATUSES, logEntrySchema } from './result.js';

/*
 * Stream `bifrost:logs:{execution_id}`: what an execution does, while it does it. Each entry has the fields
 * `type`, `ts` (ISO 8601), `attempt`, `run` and `n`. A run is one worker's try at an attempt: one that was handed
 * back is followed by another of the same attempt. `n` counts the entries of a run from 1. By type:
 *   start      worker
 *   log        level, stream, message; partial '1' where no line end followed; fields (JSON) of a logger
 *   progress   fraction (0 to 1), message, which may be empty
 *   dropped    count: so many entries before this one were dropped because Redis was away or too slow
 *   truncated  older entries went, because the stream is bounded; told once for each attempt
 *   end        status; the last entry of an execution, written when its result is there
 */

// New entries are announced on a channel of the same name as the stream.

export const LOG_ENTRY_TYPES = ['start', 'log', 'progress', 'dropped', 'truncated', 'end'] as const;
export type LogEntryType = (typeof LOG_ENTRY_TYPES)[number];

const common = {
  id: z
    .string()
    .nullable()
    .meta({ description: 'Cursor; null where the entry is from the result, after the stream expired' }),
  attempt: z.number().int(),
  n: z.number().int().meta({ description: 'Counts the entries of an attempt from 1' }),
};
const ts = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** One entry of the stream as the API shows it. */
export const logEventSchema = z
  .discriminatedUnion('type', [
    z.object({ ...common, type: z.literal('start'), ts, worker_id: z.string() }),
    z.object({ ...common, type: z.literal('log'), ...logEntrySchema.shape }),
    z.object({
      ...common,
      type: z.literal('progress'),
      ts,
      fraction: z.number(),
      message: z.string().nullable(),
    }),
    z.object({ ...common, type: z.literal('dropped'), ts, count: z.number() }),
    z.object({ ...common, type: z.literal('truncated'), ts }),
    z.object({ ...common, type: z.literal('end'), ts, status: z.enum(EXECUTION_STATUSES) }),
  ])
  .meta({ id: 'LogEvent' });

export type LogEvent = z.infer<typeof logEventSchema>;
