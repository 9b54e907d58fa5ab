import { sql } from 'kysely';
import type { ArchiveRecord } from '../record.js';
import { bucketOf } from '../read/histogram.js';
import type { Database } from '../schema.js';

/** What of an execution is counted. */
export type CountedFields = Pick<
  ArchiveRecord,
  'finished_at' | 'organization_id' | 'workflow_id' | 'status' | 'duration_ms'
>;

interface DailyRow {
  day: string;
  organization_id: string;
  workflow_id: string;
  status: string;
  executions: number;
  duration_ms: number;
  buckets: number[];
  counts: number[];
}

/** Stands for all organizations together, in the column organization_id. */
export const ALL_ORGANIZATIONS = '';

/**
 * The rows that some executions add to the daily statistics: for their organization and for all.
 * @param sign -1 for executions that are taken out again
 */
export function dailyRows(executions: readonly CountedFields[], sign: 1 | -1): DailyRow[] {
  const rows = new Map<string, { row: DailyRow; histogram: Map<number, number> }>();
  for (const { finished_at, organization_id, workflow_id, status, duration_ms } of executions) {
    const organizations = new Set([ALL_ORGANIZATIONS, organization_id ?? ALL_ORGANIZATIONS]);
    for (const organization of organizations) {
      const day = finished_at.slice(0, 10);
      const key = JSON.stringify([organization, day, workflow_id ?? '', status]);
      const entry = rows.get(key) ?? {
        row: {
          day,
          organization_id: organization,
          workflow_id: workflow_id ?? '',
          status,
          executions: 0,
          duration_ms: 0,
          buckets: [],
          counts: [],
        },
        histogram: new Map<number, number>(),
      };
      rows.set(key, entry);
      entry.row.executions += sign;
      entry.row.duration_ms += sign * duration_ms;
      const bucket = bucketOf(duration_ms);
      entry.histogram.set(bucket, (entry.histogram.get(bucket) ?? 0) + sign);
    }
  }
  return [...rows.values()].map(({ row, histogram }) => ({
    ...row,
    buckets: [...histogram.keys()],
    counts: [...histogram.values()],
  }));
}

/** Adds such rows. All writers take them in the same order, so that none waits for another in a circle. */
export async function addDaily(db: Database, rows: readonly DailyRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    INSERT INTO daily_statistics AS d
      (day, organization_id, workflow_id, status, executions, duration_ms, buckets, counts)
    SELECT day, organization_id, workflow_id, status, executions, duration_ms, buckets, counts
    FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(
      day date, organization_id text, workflow_id text, status text,
      executions integer, duration_ms double precision, buckets smallint[], counts integer[])
    ORDER BY organization_id, day, workflow_id, status
    ON CONFLICT (organization_id, day, workflow_id, status) DO UPDATE SET
      executions = d.executions + excluded.executions,
      duration_ms = d.duration_ms + excluded.duration_ms,
      (buckets, counts) = (
        SELECT coalesce(array_agg(bucket ORDER BY bucket), '{}'), coalesce(array_agg(count ORDER BY bucket), '{}')
        FROM (
          SELECT bucket, sum(count)::integer AS count
          FROM (SELECT unnest(d.buckets) AS bucket, unnest(d.counts) AS count
                UNION ALL SELECT unnest(excluded.buckets), unnest(excluded.counts)) AS both_sides
          GROUP BY bucket HAVING sum(count) > 0
        ) AS merged)`.execute(db);
}

/** Removes the rows that count nothing any more. */
export async function removeEmptyDays(db: Database): Promise<void> {
  await sql`DELETE FROM daily_statistics WHERE executions <= 0`.execute(db);
}
