import { z } from 'zod';
import { logEventSchema } from '../../contract/log-stream.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Id of an entry of a stream of Redis. */
export const CURSOR = /^\d{1,20}-\d{1,20}$/;
const MAX_LIMIT = 5_000;

/** Query of `GET /executions/:id/logs`. */
export const logsQuerySchema = refuseUnknown(
  z.object({
    after: z
      .string()
      .regex(CURSOR, { error: 'must be the id of an entry, as `next` gives it' })
      .optional()
      .meta({ description: 'Only entries after the one of this id' }),
    limit: z.coerce
      .number({ error: 'must be a number of entries' })
      .int({ error: 'must be a whole number' })
      .min(1, { error: 'must be at least 1' })
      .max(MAX_LIMIT, { error: `must be at most ${MAX_LIMIT}` })
      .default(1_000)
      .meta({ description: 'Most entries of one page' }),
  }),
);
export type LogsQuery = z.infer<typeof logsQuerySchema>;

/** A page of `GET /executions/:id/logs`. */
export const logsViewSchema = z
  .object({
    execution_id: z.string(),
    entries: z.array(logEventSchema),
    next: z
      .string()
      .nullable()
      .meta({ description: 'What to give as `after` for the next page; null: there is no further page' }),
    ended: z.boolean().meta({ description: 'The execution has ended and this is the last page' }),
  })
  .meta({ id: 'Logs' });
export type LogsView = z.infer<typeof logsViewSchema>;
