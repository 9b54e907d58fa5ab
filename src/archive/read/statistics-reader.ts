import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { StatisticGroup, Statistics, StatisticsGroup } from '../../contract/history.js';
import { ArchiveDatabase } from '../archive-database.js';
import { ALL_ORGANIZATIONS } from '../write/daily-statistics.js';
import { percentiles, RELATIVE_ERROR } from './histogram.js';
import type { Database } from '../schema.js';
import { fromStorable, toStorable } from '../storable-text.js';

/** What is counted, and by what. Days are of UTC, `2026-11-30`. */
export interface StatisticsQuestion {
  from: string;
  to: string;
  by: readonly StatisticGroup[];
  workflow?: string | undefined;
  organization?: string | undefined;
  /** Those that the caller may see; undefined: all. */
  organizations?: readonly string[] | undefined;
  status?: readonly string[] | undefined;
}

/** Too many groups to read: the query must be narrower. */
export class TooManyGroupsError extends Error {
  override name = 'TooManyGroupsError';
}

const MAX_GROUPS = 10_000;

/** Reads counts and percentiles from the daily statistics, which are small whatever the history is. */
@Injectable()
export class StatisticsReader {
  constructor(private readonly database: ArchiveDatabase) {}

  /**
   * @throws {DatabaseAwayError} when the database cannot be reached.
   * @throws {TooManyGroupsError}
   */
  async read(question: StatisticsQuestion): Promise<Statistics> {
    const rows = await this.database.use((db) => statisticsQuery(db, question).execute());
    const { from, to, by } = question;
    return { from, to, percentile_error: RELATIVE_ERROR, groups: groupsOf(rows, by) };
  }
}

/** The rows of daily_statistics that a question is about. */
export const statisticsQuery = (
  db: Database,
  { from, to, workflow, organization, organizations, status }: StatisticsQuestion,
) =>
  db
    .selectFrom('daily_statistics')
    .select([
      sql<string>`day::text`.as('day'),
      'workflow_id',
      'status',
      'executions',
      'duration_ms',
      // As text: a driver that parses arrays element by element takes longer than the database.
      sql<string>`array_to_string(buckets, ',')`.as('buckets'),
      sql<string>`array_to_string(counts, ',')`.as('counts'),
    ])
    .where('organization_id', 'in', rowsOf(organization, organizations))
    .where(sql<boolean>`day BETWEEN ${from}::date AND ${to}::date`)
    .where('executions', '>', 0)
    .$if(workflow !== undefined, (query) => query.where('workflow_id', '=', toStorable(workflow ?? '')))
    .$if(status !== undefined, (query) => query.where('status', 'in', [...(status ?? [])]));

/** Whose rows are read: one for all organizations, or those of the ones that are asked for and may be seen. */
function rowsOf(organization: string | undefined, visible: readonly string[] | undefined): string[] {
  if (visible === undefined)
    return [organization === undefined ? ALL_ORGANIZATIONS : toStorable(organization)];
  // No organization has this id: of none, there is no row.
  const wanted = organization === undefined ? visible : visible.filter((one) => one === organization);
  return wanted.length === 0 ? [NO_ORGANIZATION] : wanted.map(toStorable);
}

const NO_ORGANIZATION = '\u{1}';

interface DayRow {
  day: string;
  workflow_id: string;
  status: string;
  executions: number;
  duration_ms: number;
  buckets: string;
  counts: string;
}

interface Sum {
  key: Pick<StatisticsGroup, 'day' | 'workflow_id' | 'status'>;
  executions: number;
  durationMs: number;
  histogram: number[];
}

/** Adds up the rows of each group; newest days first, then by name. */
export function groupsOf(rows: readonly DayRow[], by: readonly StatisticGroup[]): StatisticsGroup[] {
  const [byDay, byWorkflow, byStatus] = (['day', 'workflow', 'status'] as const).map((name) =>
    by.includes(name),
  );
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const key = {
      ...(byDay ? { day: row.day } : {}),
      ...(byWorkflow ? { workflow_id: row.workflow_id === '' ? null : fromStorable(row.workflow_id) } : {}),
      ...(byStatus ? { status: row.status } : {}),
    };
    const name = JSON.stringify(key);
    let sum = sums.get(name);
    if (!sum) sums.set(name, (sum = { key, executions: 0, durationMs: 0, histogram: [] }));
    sum.executions += row.executions;
    sum.durationMs += row.duration_ms;
    addTo(sum.histogram, row);
  }
  if (sums.size > MAX_GROUPS) throw new TooManyGroupsError(`${sums.size} groups are more than ${MAX_GROUPS}`);
  return [...sums.values()].map(groupOf).toSorted(newestFirst);
}

function addTo(histogram: number[], { buckets, counts }: DayRow): void {
  // As JSON: ten times as fast as numbers one by one.
  const amounts = JSON.parse(`[${counts}]`) as number[];
  for (const [at, bucket] of (JSON.parse(`[${buckets}]`) as number[]).entries()) {
    histogram[bucket] = (histogram[bucket] ?? 0) + (amounts[at] ?? 0);
  }
}

function groupOf({ key, executions, durationMs, histogram }: Sum): StatisticsGroup {
  const [p50, p95] = percentiles(histogram, [0.5, 0.95]);
  const mean = durationMs / executions;
  return {
    ...key,
    executions,
    duration_ms: { mean: round(mean), p50: round(p50 ?? 0), p95: round(p95 ?? 0) },
  };
}

const round = (ms: number): number => Math.round(ms * 100) / 100;

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const newestFirst = (a: StatisticsGroup, b: StatisticsGroup): number =>
  compare(b.day ?? '', a.day ?? '') ||
  compare(a.workflow_id ?? '', b.workflow_id ?? '') ||
  compare(a.status ?? '', b.status ?? '');
