import { z } from 'zod';
import { CHANGE_TYPES } from '../../contract/api/changes.js';
import { OPEN_STATUSES } from '../../contract/api/listing.js';
import { EXECUTION_STATUSES } from '../../contract/result.js';
import { filters, inOrder, limitField, once, OUT_OF_ORDER, someOf } from '../history/history-requests.js';
import { refuseUnknown } from '../http/unknown-fields.js';
import { CURSOR } from '../logs/logs-requests.js';
import { parseListCursor } from './list-cursor.js';

export const LISTED_STATUSES = [...OPEN_STATUSES, ...EXECUTION_STATUSES] as const;

/** Query of `GET /executions`. */
export const listQuerySchema = refuseUnknown(
  z.object({
    ...filters,
    status: someOf(LISTED_STATUSES).optional().meta({ description: 'Default: all of them' }),
    limit: limitField,
    cursor: z
      .string(once)
      .transform((text, ctx) => {
        const position = parseListCursor(text);
        if (position) return position;
        ctx.addIssue({ code: 'custom', message: 'must be the next_cursor of the page before' });
        return z.NEVER;
      })
      .optional(),
  }),
).refine(inOrder, OUT_OF_ORDER);

/** Query of `GET /executions/events`. */
export const changesQuerySchema = refuseUnknown(
  z.object({
    type: someOf(CHANGE_TYPES).optional().meta({ description: 'Only these events. Default: all' }),
    after: z
      .string(once)
      .regex(CURSOR, { error: 'must be the id of an event of this stream' })
      .optional()
      .meta({ description: 'As Last-Event-ID, for clients that cannot set headers' }),
  }),
);

export type ChangesQuery = z.infer<typeof changesQuerySchema>;
export type ListQuery = z.infer<typeof listQuerySchema>;
