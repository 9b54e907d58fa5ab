import { type RawBuilder, sql } from 'kysely';
import { addDaily, type CountedFields, dailyRows } from './daily-statistics.js';
import type { ArchiveRecord } from '../record.js';
import type { Database } from '../schema.js';

/** Advisory lock of Postgres: writers share it, a deletion has it alone. The number has no meaning. */
export const ERASURE_LOCK = 7_352_814;

type RemovedRow = Omit<CountedFields, 'finished_at'> & { execution_id: string; finished_at: Date };

/**
 * Removes all rows of some executions and what the statistics count of them, inside a transaction of the
 * caller, which must hold the erasure lock exclusively. Returns how many executions there were.
 */
export async function removeExecutions(tx: Database, executionIds: readonly string[]): Promise<number> {
  if (executionIds.length === 0) return 0;
  const removed = await remove(tx, sql`execution_id = ANY(${executionIds}::text[])`);
  return new Set(removed.map((row) => row.execution_id)).size;
}

/** As {@link removeExecutions}, but only these runs, whose rows in archived_ids the caller holds. */
export async function removeRuns(
  tx: Database,
  runs: readonly Pick<ArchiveRecord, 'execution_id' | 'run'>[],
): Promise<void> {
  if (runs.length === 0) return;
  const ids = runs.map(({ execution_id }) => execution_id);
  const numbers = runs.map(({ run }) => run);
  await remove(tx, sql`(execution_id, run) IN (SELECT * FROM unnest(${ids}::text[], ${numbers}::integer[]))`);
}

async function remove(tx: Database, condition: RawBuilder<unknown>): Promise<RemovedRow[]> {
  const { rows } = await sql<RemovedRow>`DELETE FROM executions WHERE ${condition}
    RETURNING execution_id, finished_at, organization_id, workflow_id, status, duration_ms`.execute(tx);
  const keys = rows.map(({ execution_id, finished_at }) => ({ execution_id, finished_at }));
  await sql`DELETE FROM execution_logs USING jsonb_to_recordset(${JSON.stringify(keys)}::jsonb)
      AS r(execution_id text, finished_at timestamptz(3))
    WHERE execution_logs.execution_id = r.execution_id AND execution_logs.finished_at = r.finished_at`.execute(
    tx,
  );
  const counted = rows.map((row) => ({ ...row, finished_at: row.finished_at.toISOString() }));
  await addDaily(tx, dailyRows(counted, -1));
  return rows;
}
