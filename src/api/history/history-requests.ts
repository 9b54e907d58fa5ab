import { z } from 'zod';
import { MAX_KEY_CHARS } from '../../archive/columns.js';
import { FAILURE_CODES } from '../../contract/failure.js';
import { STATISTIC_GROUPS } from '../../contract/history.js';
import { FILTER_ROWS, type FilterName, type HISTORY_FILTERS } from '../../contract/history/fields.js';
import { failureCodeSchema } from '../../contract/result.js';
import { millisecondsOf } from '../http/moments.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const MAX_LIST_CHARS = 1000;
const DAY_MS = 86_400_000;
/** Default period of statistics, in days. */
const DEFAULT_DAYS = 30;

/** Of a parameter that is given twice. */
export const once = { error: 'must be there once, with a value' };
const name = z
  .string(once)
  .min(1, { error: 'must not be empty' })
  .max(MAX_KEY_CHARS, { error: `must have at most ${MAX_KEY_CHARS} characters` });

/** Reads a list with commas of values of a closed set. */
export const someOf = <const T extends readonly string[]>(values: T) =>
  z.string(once).transform((text, ctx): T[number][] => {
    const items = text.length > MAX_LIST_CHARS ? [] : text.split(',').map((item) => item.trim());
    if (items.length > 0 && items.every((item) => values.includes(item))) return items;
    const message = `must be one or more of ${values.join(', ')}, separated by commas`;
    ctx.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const MOMENT = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
const moment = z.string(once).transform((given, ctx): Date => {
  // An unescaped + of a time zone arrives as a blank.
  const text = given.replace(' ', '+');
  const zoned = /^[^T]*$|(Z|[+-]\d{2}:?\d{2})$/.test(text) ? text : `${text}Z`;
  const ms = MOMENT.test(text) ? millisecondsOf(zoned) : Number.NaN;
  if (ms >= 0) return new Date(ms);
  const message = 'must be a day or a time in ISO 8601, such as 2026-11-30 or 2026-11-30T12:00:00Z';
  ctx.addIssue({ code: 'custom', message });
  return z.NEVER;
});

type Match = (typeof HISTORY_FILTERS)[FilterName]['match'];
type Row = (typeof FILTER_ROWS)[number][1];

/** Reads the value of a filter in a query, for each way that it may be compared. */
const VALUES = {
  'some of': ({ values = [] }) => someOf(values),
  'one of': ({ values = [] }) =>
    values === FAILURE_CODES
      ? failureCodeSchema
      : z.enum(values, { error: `must be one of ${values.join(', ')}` }),
  equal: () => name,
  among: () => name,
  part: () => name,
  'at least': ({ unit }) =>
    z.coerce
      .number({ error: unit === undefined ? 'must be a number' : `must be a number of ${unit}` })
      .min(0, { error: 'must be at least 0' }),
  from: () => moment,
  before: () => moment,
} as const satisfies Record<Match, (row: Row) => z.ZodType>;

type FilterShape = {
  [Name in FilterName]: z.ZodOptional<ReturnType<(typeof VALUES)[(typeof HISTORY_FILTERS)[Name]['match']]>>;
};

function filterSchema(row: Row): z.ZodType {
  const schema = VALUES[row.match](row).optional();
  return row.description === undefined ? schema : schema.meta({ description: row.description });
}

/** The filters of the history in a query, all optional. */
export const filters = Object.fromEntries(
  FILTER_ROWS.map(([filter, row]) => [filter, filterSchema(row)]),
) as FilterShape;

/** Whether a period begins before it ends. */
export const inOrder = ({ since, until }: { since?: Date | undefined; until?: Date | undefined }): boolean =>
  !since || !until || since < until;
export const OUT_OF_ORDER = { path: ['since'], error: 'must be before until' };

const limitError = `must be a whole number from 1 to ${MAX_LIMIT}`;
/** Most entries of a page. */
export const limitField = z.coerce
  .number({ error: limitError })
  .int({ error: limitError })
  .min(1, { error: limitError })
  .max(MAX_LIMIT, { error: limitError })
  .default(DEFAULT_LIMIT);

/** Query of `GET /executions/export`. */
export const exportQuerySchema = refuseUnknown(z.object(filters)).refine(inOrder, OUT_OF_ORDER);

/** Query of `GET /executions/stats`. */
export const statisticsQuerySchema = refuseUnknown(
  z.object({
    since: filters.since,
    until: filters.until,
    by: someOf(STATISTIC_GROUPS)
      .default([...STATISTIC_GROUPS])
      .meta({ description: 'What is counted apart' }),
    workflow: filters.workflow,
    organization: filters.organization,
    status: filters.status,
  }),
).refine(inOrder, OUT_OF_ORDER);

type Filters = z.infer<typeof exportQuerySchema>;
export type ExportQuery = Filters;
export type StatisticsQuery = z.infer<typeof statisticsQuerySchema>;

/** The UTC days that are at least partly between two moments; the last 30 where none are named. */
export function daysOf(
  { since, until }: Pick<Filters, 'since' | 'until'>,
  now: Date,
): { from: string; to: string } {
  const last = until ? until.getTime() - 1 : now.getTime();
  const first = since?.getTime() ?? last - (DEFAULT_DAYS - 1) * DAY_MS;
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return { from: day(Math.max(0, first)), to: day(last) };
}

/** Path of what belongs to one organization. */
export const organizationPathSchema = z.object({ organization: name });
export type OrganizationPath = z.infer<typeof organizationPathSchema>;
