import { Injectable, Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { ArchiveDatabase } from '../archive-database.js';
import { addDaily, dailyRows } from './daily-statistics.js';
import { isPartitionMissing, isPassing, isRefusal } from '../database-errors.js';
import { ensurePartitions, type Month, monthOf } from './partitions.js';
import { COLUMNS } from '../columns.js';
import { type ArchiveRecord, toRecord } from '../record.js';
import { ERASURE_LOCK, removeRuns } from './removal.js';
import type { Database } from '../schema.js';

/** A result on its way into the archive: its id, and its document as JSON text. */
export interface ArchivedDocument {
  executionId: string;
  text: string;
  /** What it is found by beside its document, in lower case. */
  searched?: string;
}

const MAX_TRIES = 5;

/**
 * Writes results to the database, a batch in one transaction.
 *
 * A result that is there already, or that was forgotten, changes nothing. Every run of an execution is a row.
 * A run that comes with a later result is one of another execution: ids may be used again once their result
 * has expired in Redis; the archive then keeps the later one.
 */
@Injectable()
export class ArchiveWriter {
  private readonly logger = new Logger(ArchiveWriter.name);
  private readonly months = new Set<Month>();
  /** Results since the start that were new to the archive. */
  written = 0;
  /** Results since the start that the database refuses in every form. */
  refused = 0;

  constructor(private readonly database: ArchiveDatabase) {}

  /**
   * Resolves once every result is in the database, or is known to be none that can be stored.
   * @throws {DatabaseAwayError} while the database is away, and its own errors when they may pass; the
   * same batch may be written again.
   */
  async write(documents: readonly ArchivedDocument[]): Promise<void> {
    const records = documents.flatMap((document) => this.read(document) ?? []);
    // The last of a run counts: the database cannot take two in one statement.
    const unique = new Map(records.map((record) => [nameOf(record), record]));
    await this.store([...unique.values()]);
  }

  private read({ executionId, text, searched }: ArchivedDocument): ArchiveRecord | null {
    try {
      return toRecord(executionId, text, searched);
    } catch (error) {
      this.refuse(executionId, error as Error);
      return null;
    }
  }

  /** A batch that the database refuses is halved until the one result that it refuses is alone. */
  private async store(records: readonly ArchiveRecord[]): Promise<void> {
    if (records.length === 0) return;
    try {
      this.written += await this.attempt(records);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (records.length > 1) {
        const half = Math.ceil(records.length / 2);
        await this.store(records.slice(0, half));
        await this.store(records.slice(half));
        return;
      }
      const [record] = records as [ArchiveRecord];
      const bare = withoutContent(record);
      if (record.document_bytes === bare.document_bytes)
        return this.refuse(record.execution_id, error as Error);
      this.logger.warn({
        msg: 'stored without its content',
        executionId: record.execution_id,
        reason: (error as Error).message,
      });
      await this.store([bare]);
    }
  }

  private async attempt(records: readonly ArchiveRecord[]): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.database.use(async (db) => {
          await this.preparePartitions(db, records);
          return db.transaction().execute((tx) => insert(tx, records));
        });
      } catch (error) {
        if (isPartitionMissing(error)) this.months.clear();
        else if (!isPassing(error)) throw error;
        if (attempt === MAX_TRIES) throw error;
      }
    }
  }

  private async preparePartitions(db: Database, records: readonly ArchiveRecord[]): Promise<void> {
    const missing = new Set(
      records.map((record) => monthOf(record.finished_at)).filter((month) => !this.months.has(month)),
    );
    if (missing.size === 0) return;
    await ensurePartitions(db, [...missing]);
    for (const month of missing) this.months.add(month);
  }

  private refuse(executionId: string, error: Error): void {
    this.refused += 1;
    this.logger.error({ msg: 'result cannot be archived', executionId, reason: error.message });
  }
}

/** How many were new. */
async function insert(tx: Database, records: readonly ArchiveRecord[]): Promise<number> {
  const claimed = await claim(tx, records);
  const fresh = records.filter((record) => claimed.has(nameOf(record)));
  if (fresh.length === 0) return 0;
  await removeRuns(
    tx,
    fresh.filter((record) => claimed.get(nameOf(record))),
  );
  await insertExecutions(tx, fresh);
  await insertLogs(tx, fresh);
  await addDaily(tx, dailyRows(fresh, 1));
  return fresh.length;
}

/** The runs that are to be written, by {@link nameOf}, and whether an earlier result of the same run must go. */
async function claim(tx: Database, records: readonly ArchiveRecord[]): Promise<Map<string, boolean>> {
  // A deletion takes this lock alone: it sees what is written here, or is seen by it.
  await sql`SELECT pg_advisory_xact_lock_shared(${ERASURE_LOCK})`.execute(tx);
  const ids = records.map(({ execution_id, run, finished_at }) => ({ execution_id, run, finished_at }));
  const { rows } = await sql<{ execution_id: string; run: number; again: boolean }>`
    INSERT INTO archived_ids AS a (execution_id, run, finished_at)
    SELECT execution_id, run, finished_at
    FROM jsonb_to_recordset(${JSON.stringify(ids)}::jsonb) AS r(execution_id text, run integer, finished_at timestamptz(3))
    WHERE NOT EXISTS (SELECT 1 FROM archived_ids f
      WHERE f.execution_id = r.execution_id AND f.run = 0 AND f.finished_at >= r.finished_at)
    ORDER BY execution_id, run
    ON CONFLICT (execution_id, run) DO UPDATE SET finished_at = excluded.finished_at
      WHERE excluded.finished_at > a.finished_at
    RETURNING execution_id, run, xmax <> 0 AS again`.execute(tx);
  return new Map(rows.map((row) => [nameOf(row), row.again]));
}

const nameOf = ({ execution_id: id, run }: Pick<ArchiveRecord, 'execution_id' | 'run'>): string =>
  `${run} ${id}`;

async function insertExecutions(tx: Database, records: readonly ArchiveRecord[]): Promise<void> {
  const columns = sql.raw(EXECUTION_COLUMNS.map(([name]) => name).join(', '));
  const types = sql.raw(EXECUTION_COLUMNS.map((column) => column.join(' ')).join(', '));
  const rows = records.map(({ logs: _logs, ...row }) => row);
  await sql`INSERT INTO executions (${columns})
    SELECT ${columns} FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(${types})`.execute(tx);
}

async function insertLogs(tx: Database, records: readonly ArchiveRecord[]): Promise<void> {
  const rows = records.flatMap(({ execution_id, finished_at, logs }) =>
    logs ? [{ execution_id, finished_at, ...logs }] : [],
  );
  if (rows.length === 0) return;
  await sql`INSERT INTO execution_logs (execution_id, finished_at, logs, stdout, stderr)
    SELECT execution_id, finished_at, logs, stdout, stderr FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      AS r(execution_id text, finished_at timestamptz(3), logs jsonb, stdout text, stderr text)`.execute(tx);
}

/** What is left of a result that the database refuses as it is. */
const withoutContent = (record: ArchiveRecord): ArchiveRecord => ({
  ...record,
  document_bytes: 0,
  rest: { archive_cut: ['result', 'variables', 'failure', 'logs', 'stdout', 'stderr'] },
  logs: null,
});

/** Names and types of all columns. */
const EXECUTION_COLUMNS: readonly (readonly [string, string])[] = [
  ...Object.entries(COLUMNS).map(([name, { sql: type }]) => [name, type] as const),
  ['document_bytes', 'integer'],
  ['rest', 'jsonb'],
];
