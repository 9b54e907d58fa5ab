import { sql } from 'kysely';
import { addDaily, type Counted, dailyRows } from './daily-statistics.js';
import type { Database } from './schema.js';

type Removed = Omit<Counted, 'finished_at'> & { finished_at: Date };

/**
 * Removes the rows of some executions and what the statistics count of them, inside a transaction of
 * the caller, who holds their rows in archived_ids. Returns how many executions there were.
 */
export async function removeRows(tx: Database, executionIds: readonly string[]): Promise<number> {
  if (executionIds.length === 0) return 0;
  const ids = sql`ANY(${executionIds}::text[])`;
  const { rows } = await sql<Removed>`DELETE FROM executions WHERE execution_id = ${ids}
    RETURNING finished_at, organization_id, workflow_id, status, duration_ms`.execute(tx);
  await sql`DELETE FROM execution_logs WHERE execution_id = ${ids}`.execute(tx);
  const counted = rows.map((row) => ({ ...row, finished_at: row.finished_at.toISOString() }));
  await addDaily(tx, dailyRows(counted, -1));
  return rows.length;
}
