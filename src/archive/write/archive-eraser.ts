import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ArchiveDatabase } from '../archive-database.js';
import { removeEmptyDays } from './daily-statistics.js';
import { ERASURE_LOCK, removeExecutions } from './removal.js';
import { toStorable } from '../storable-text.js';

/** What to remove, and when it ended, if known. */
export interface Forgettable {
  executionId: string;
  finishedAt: string | null;
  /** When its last attempt started, ISO 8601. */
  startedAt: string;
}

const PIECE = 500;

/** Removes executions from the history so that no late delivery brings them back. Every method throws {@link DatabaseAwayError} when the database cannot be reached. */
@Injectable()
export class ArchiveEraser {
  constructor(private readonly database: ArchiveDatabase) {}

  /** Returns how many of them the archive had. */
  erase(executions: readonly Forgettable[]): Promise<number> {
    const ids = executions.map(({ executionId, finishedAt }) => ({ executionId, finishedAt }));
    return this.database.use((db) =>
      db.transaction().execute(async (tx) => {
        // Waits for writers that have one of them in hand, so that the rows they write are seen below.
        await sql`SELECT pg_advisory_xact_lock(${ERASURE_LOCK})`.execute(tx);
        // Results of these ids up to now are ignored from here on: see ArchiveWriter.
        await sql`
          INSERT INTO archived_ids AS a (execution_id, run, finished_at)
          SELECT "executionId", 0, greatest(now(), "finishedAt")
          FROM jsonb_to_recordset(${JSON.stringify(ids)}::jsonb) AS r("executionId" text, "finishedAt" timestamptz(3))
          ORDER BY "executionId"
          ON CONFLICT (execution_id, run) DO UPDATE SET finished_at = greatest(a.finished_at, excluded.finished_at)`.execute(
          tx,
        );
        return removeExecutions(
          tx,
          ids.map(({ executionId }) => executionId),
        );
      }),
    );
  }

  /** Some executions of an organization; none when there are none left. */
  async some(organization: string): Promise<Forgettable[]> {
    const name = toStorable(organization);
    const { rows } = await this.database.use((db) =>
      sql<{ execution_id: string; started_at: Date }>`SELECT execution_id, started_at FROM executions
        WHERE organization_id = ${name}
          -- The column holds the beginning of a very long id, which another one may share.
          AND coalesce(rest #>> '{organization,id}', organization_id) = ${name}
        LIMIT ${PIECE}`.execute(db),
    );
    return rows.map((row) => ({
      executionId: row.execution_id,
      finishedAt: null,
      startedAt: new Date(row.started_at).toISOString(),
    }));
  }

  /** Removes statistics that count nothing any more. */
  tidy(): Promise<void> {
    return this.database.use(removeEmptyDays);
  }
}
