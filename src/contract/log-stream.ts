import { z } from 'zod';
import { EXECUTION_STATUSES, type ExecutionResult, type ExecutionStatus, logEntrySchema } from './result.js';

/*
 * Stream `bifrost:logs:{execution_id}`: what an execution does, while it does it. Each entry has the fields
 * `type`, `ts` (ISO 8601), `attempt`, `run` and `n`. A run is one worker's try at an attempt: one that was handed
 * back is followed by another of the same attempt. `n` counts the entries of a run from 1. By type:
 *   start      worker
 *   log        level, stream, message; partial '1' where no line end followed; fields (JSON) of a logger
 *   progress   fraction (0 to 1), message, which may be empty
 *   dropped    count: how many entries before this one were dropped because Redis was away or too slow
 *   truncated  older entries went, because the stream is bounded; written once for each attempt
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
  run: z.string().meta({ description: "One worker's try at the attempt" }),
  n: z.number().int().meta({ description: 'Counts the entries of a run from 1' }),
};
const ts = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** One entry of the stream as the API shows it. */
export const logEventSchema = z
  .discriminatedUnion('type', [
    z.object({ ...common, type: z.literal('start'), ts, worker_id: z.string() }).meta({ id: 'LogStart' }),
    z.object({ ...common, type: z.literal('log'), ...logEntrySchema.shape }).meta({ id: 'LogLine' }),
    z
      .object({
        ...common,
        type: z.literal('progress'),
        ts,
        fraction: z.number(),
        message: z.string().nullable(),
      })
      .meta({ id: 'LogProgress' }),
    z.object({ ...common, type: z.literal('dropped'), ts, count: z.number() }).meta({ id: 'LogDropped' }),
    z.object({ ...common, type: z.literal('truncated'), ts }).meta({ id: 'LogTruncated' }),
    z
      .object({ ...common, type: z.literal('end'), ts, status: z.enum(EXECUTION_STATUSES) })
      .meta({ id: 'LogEnd' }),
  ])
  .meta({ id: 'LogEvent' });

export type LogEvent = z.infer<typeof logEventSchema>;

/** An entry of the stream as an event; null for one of a newer worker, of a type that is not known here. */
export function logEventOf(id: string, fields: Readonly<Record<string, string>>): LogEvent | null {
  const { type, ts: at = '', level = '', message = '' } = fields;
  const all = {
    id,
    attempt: Number(fields['attempt']),
    run: fields['run'] ?? '',
    n: Number(fields['n']),
    ts: at,
  };
  switch (type as LogEntryType) {
    case 'start':
      return { ...all, type: 'start', worker_id: fields['worker'] ?? '' };
    case 'log':
      return {
        ...all,
        type: 'log',
        // In the form of another system with LOG_FIELDS=engine.
        level: ownLevel(level),
        stream: fields['stream'] === 'stderr' ? 'stderr' : 'stdout',
        message,
        ...(fields['partial'] === undefined ? {} : { partial: true }),
        ...(fields['fields'] === undefined
          ? {}
          : { fields: JSON.parse(fields['fields']) as Record<string, unknown> }),
      };
    case 'progress':
      return { ...all, type: 'progress', fraction: Number(fields['fraction']), message: message || null };
    case 'dropped':
      return { ...all, type: 'dropped', count: Number(fields['count']) };
    case 'truncated':
      return { ...all, type: 'truncated' };
    case 'end':
      return { ...all, type: 'end', status: fields['status'] as ExecutionStatus };
    default:
      return null;
  }
}

const ownLevel = (level: string): string => {
  const lower = level.toLowerCase();
  return lower === 'warning' ? 'warn' : lower;
};

/** What is left of an execution whose stream is gone: the tail in its result, and its end. */
export function logEventsOf(result: ExecutionResult): LogEvent[] {
  const all = { id: null, attempt: result.attempt, run: '' };
  const end = { ...all, type: 'end', ts: result.finished_at, status: result.status } as const;
  const cut = result.logs_truncated ? [{ ...all, type: 'truncated', ts: result.started_at } as const] : [];
  const entries = [...cut, ...result.logs.map((entry) => ({ ...all, type: 'log', ...entry }) as const), end];
  return entries.map((entry, index) => ({ ...entry, n: index + 1 }));
}
