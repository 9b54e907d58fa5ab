import { z } from 'zod';
import { idSchema } from '../../contract/ids.js';
import { USAGE_DAYS } from '../../contract/tenants/usage.js';
import { once } from '../history/history-requests.js';
import { millisecondsOf } from '../http/moments.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const MOST_ROWS = 5_000;
const DAY_MS = 86_400_000;
/** Days where none are named. */
const DEFAULT_DAYS = 30;
const limitError = `must be a whole number from 1 to ${MOST_ROWS}`;

const day = z
  .string(once)
  .refine((text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(millisecondsOf(text)), {
    error: 'must be a day, such as 2026-11-30',
  })
  .optional();

/** Query of `GET /usage`. */
export const usageQuerySchema = refuseUnknown(
  z.object({
    since: day.meta({ description: `First day (UTC). Default: ${DEFAULT_DAYS} days back` }),
    until: day.meta({ description: 'Last day (UTC). Default: this day' }),
    organization: idSchema.optional(),
    format: z
      .enum(['json', 'csv'], { error: 'must be json or csv' })
      .default('json')
      .meta({ description: 'csv: the rows of this page, below the names of the columns' }),
    limit: z.coerce
      .number({ error: limitError })
      .int({ error: limitError })
      .min(1, { error: limitError })
      .max(MOST_ROWS, { error: limitError })
      .default(1_000),
    cursor: z
      .string(once)
      .regex(/^\d{4}-\d\d-\d\d\/[^]+$/, { error: 'must be the next_cursor of the page before' })
      .optional(),
  }),
)
  .refine(({ since, until }) => !since || !until || since <= until, {
    path: ['since'],
    error: 'must not be after until',
  })
  .refine(({ since }) => !since || Date.parse(since) > Date.now() - (USAGE_DAYS + 1) * DAY_MS, {
    path: ['since'],
    error: `must be within the last ${USAGE_DAYS} days, which are kept`,
  });
export type UsageQuery = z.infer<typeof usageQuerySchema>;

/** The days that a query is about, the newest first. */
export function daysOf({ since, until }: Pick<UsageQuery, 'since' | 'until'>, nowMs: number): string[] {
  const lastMs = Math.min(nowMs, until === undefined ? nowMs : Date.parse(until));
  const oldestMs = nowMs - USAGE_DAYS * DAY_MS;
  const firstMs = Math.max(
    oldestMs,
    since === undefined ? lastMs - (DEFAULT_DAYS - 1) * DAY_MS : Date.parse(since),
  );
  const days: string[] = [];
  const first = new Date(firstMs).toISOString().slice(0, 10);
  for (let ms = lastMs; ; ms -= DAY_MS) {
    const text = new Date(ms).toISOString().slice(0, 10);
    if (text < first) return days;
    days.push(text);
  }
}
