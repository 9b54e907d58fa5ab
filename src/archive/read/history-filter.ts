import { type Expression, expressionBuilder, type RawBuilder, sql, type SqlBool } from 'kysely';
import {
  FILTER_ROWS,
  type FilterName,
  HISTORY_FILTERS,
  type HistoryFilter,
} from '../../contract/history/fields.js';
import type { Tables } from '../schema.js';
import { toStorable } from '../storable-text.js';

type Row = (typeof FILTER_ROWS)[number][1];
type Column = keyof Tables['executions'];

/** The columns of each filter; does not compile when a row names one that there is not. */
const COLUMNS: Readonly<Record<FilterName, { columns: readonly Column[] }>> = HISTORY_FILTERS;

/** The conditions of a filter. Values are bound as parameters, never part of the statement. */
export function conditionsOf(filter: HistoryFilter): Expression<SqlBool>[] {
  const eb = expressionBuilder<Tables, 'executions'>();
  const { organizations } = filter;
  const visible = organizations
    ? [sql<SqlBool>`organization_id in (${sql.join(organizations.map(toStorable))})`]
    : [];
  const narrowed = FILTER_ROWS.flatMap(([name, row]) => {
    const value = filter[name];
    if (value === undefined) return [];
    const compare = CONDITIONS[row.match];
    const conditions = COLUMNS[name].columns.map((column) => compare(sql.ref(column), value as never));
    return conditions.length === 1 ? conditions : [eb.or(conditions)];
  });
  return [...visible, ...narrowed];
}

/** Compares a column with the value of a filter, for each way that they may be compared. */
const CONDITIONS: Readonly<
  Record<Row['match'], (column: RawBuilder<unknown>, value: never) => Expression<SqlBool>>
> = {
  'some of': (column, values: readonly string[]) => sql`${column} in (${sql.join(values)})`,
  'one of': (column, text: string) => sql`${column} = ${toStorable(text)}`,
  equal: (column, text: string) => sql`${column} = ${toStorable(text)}`,
  among: (column, text: string) => sql`${column} @> ARRAY[${toStorable(text)}]::text[]`,
  part: (column, text: string) => sql`${column} like ${containing(text)}`,
  'at least': (column, figure: number) => sql`${column} >= ${figure}`,
  from: (column, time: Date) => sql`${column} >= ${timestamp(time)}`,
  before: (column, time: Date) => sql`${column} < ${timestamp(time)}`,
};

/** A bound moment. */
export const timestamp = (time: Date) => sql<Date>`${time.toISOString()}::timestamptz`;

/** The LIKE pattern of texts that contain this one; its own wildcards mean themselves. */
export const containing = (text: string): string =>
  `%${toStorable(text)
    .toLowerCase()
    .replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
