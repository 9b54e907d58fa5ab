import { z } from 'zod';
import { nextCursor } from '../fields/next-cursor.js';

/** What one organization used on one day (UTC), from the receipts of its executions that ended then. */
export const usageRowSchema = z
  .object({
    day: z.string().meta({ description: 'YYYY-MM-DD, UTC' }),
    organization: z.string(),
    executions: z.number().meta({ description: 'Executions that ended after their code was started' }),
    cpu_seconds: z.number().meta({ description: 'Of all attempts that came to an end' }),
    network_bytes: z.number().meta({ description: 'Both ways, through the proxy of the worker' }),
    artifact_bytes: z.number().meta({ description: 'Left in the store' }),
  })
  .meta({ id: 'UsageRow' });
export type UsageRow = z.infer<typeof usageRowSchema>;

/** A page of `GET /usage`: the newest day first, then by organization. */
export const usageSchema = z
  .object({
    usage: z.array(usageRowSchema),
    next_cursor: nextCursor,
  })
  .meta({ id: 'Usage' });
export type Usage = z.infer<typeof usageSchema>;

/** How many days are kept. */
export const USAGE_DAYS = 92;
