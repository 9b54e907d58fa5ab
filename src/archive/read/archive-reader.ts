import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { ExecutionSummary, HistoryPage } from '../../contract/history.js';
import { type HistoryFilter, SUMMARY_FIELDS } from '../../contract/history/fields.js';
import type { ExecutionResult } from '../../contract/result.js';
import { batches } from '../../lib/in-batches.js';
import { ArchiveDatabase } from '../archive-database.js';
import { cursorOf, type Place } from './cursor.js';
import { conditionsOf, timestamp } from './history-filter.js';
import { toDocument } from '../record.js';
import type { Database } from '../schema.js';
import { fromStorable } from '../storable-text.js';

/** The list shows these; each is a column. */
const SUMMARY_COLUMNS = Object.keys(SUMMARY_FIELDS) as (keyof ExecutionSummary)[];

/** How many places are looked up at once for an export, and how many bytes of documents are held. */
const EXPORT_KEYS = 1000;
const EXPORT_BYTES = 4 * 1024 * 1024;

/** Reads the history. Every method throws {@link DatabaseAwayError} when the database cannot be reached. */
@Injectable()
export class ArchiveReader {
  constructor(private readonly database: ArchiveDatabase) {}

  /** The whole document of one run of an execution, by default the last; null when it is not archived. */
  async find(executionId: string, run?: number): Promise<ExecutionResult | null> {
    const found = await this.database.use((db) =>
      documents(db)
        .where('executions.execution_id', '=', executionId)
        .$if(run !== undefined, (query) => query.where('executions.run', '=', run ?? 1))
        .orderBy('executions.finished_at', 'desc')
        .limit(1)
        .executeTakeFirst(),
    );
    return found === undefined ? null : documentOf(found);
  }

  /** One page, newest first. `after`: the place that the page before ended at. */
  async list(filter: HistoryFilter, limit: number, after: Place | null): Promise<HistoryPage> {
    const rows = await this.database.use((db) => listQuery(db, filter, limit, after).execute());
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    return {
      executions: page.map(summaryOf),
      next_cursor:
        rows.length > limit && last
          ? cursorOf({ finishedAt: last.finished_at, executionId: last.execution_id })
          : null,
    };
  }

  /** How many executions a filter finds. */
  async count(filter: HistoryFilter): Promise<number> {
    const { rows } = await this.database.use((db) =>
      db
        .selectFrom('executions')
        .select(sql<string>`count(*)`.as('count'))
        .where((eb) => eb.and(conditionsOf(filter)))
        .execute()
        .then((rows) => ({ rows })),
    );
    return Number(rows[0]?.count ?? 0);
  }

  /** Whole documents, oldest first, in pieces of bounded size. What is archived meanwhile may be missing. */
  async *export(filter: HistoryFilter): AsyncGenerator<ExecutionResult> {
    let after: Place | null = null;
    for (;;) {
      const keys = await this.exportKeys(filter, after);
      for (const piece of batches(keys, EXPORT_KEYS, EXPORT_BYTES, (key) => key.document_bytes)) {
        yield* await this.documentsOf(piece);
      }
      const last = keys.at(-1);
      if (keys.length < EXPORT_KEYS || !last) return;
      after = { finishedAt: last.finished_at, executionId: last.execution_id };
    }
  }

  private exportKeys(filter: HistoryFilter, after: Place | null): Promise<ExportKey[]> {
    return this.database.use((db) =>
      db
        .selectFrom('executions')
        .select(['execution_id', 'finished_at', 'document_bytes'])
        .where((eb) => eb.and([...conditionsOf(filter), ...(after ? [beyond(after, '>')] : [])]))
        .orderBy('finished_at')
        .orderBy('execution_id')
        .limit(EXPORT_KEYS)
        .execute(),
    );
  }

  private async documentsOf(keys: readonly ExportKey[]): Promise<ExecutionResult[]> {
    const [first, last] = [keys[0], keys.at(-1)];
    if (!first || !last) return [];
    const rows = await this.database.use((db) =>
      documents(db)
        .where(
          'executions.execution_id',
          'in',
          keys.map((key) => key.execution_id),
        )
        .where('executions.finished_at', '>=', timestamp(first.finished_at))
        .where('executions.finished_at', '<=', timestamp(last.finished_at))
        .orderBy('executions.finished_at')
        .orderBy('executions.execution_id')
        .execute(),
    );
    // An execution may have further runs, which the filter has not found.
    const wanted = new Set(keys.map(momentOf));
    return rows.filter((row) => wanted.has(momentOf(row))).map(documentOf);
  }
}

const momentOf = ({ execution_id: id, finished_at: at }: Pick<ExportKey, 'execution_id' | 'finished_at'>) =>
  `${at.getTime()} ${id}`;

interface ExportKey {
  execution_id: string;
  finished_at: Date;
  document_bytes: number;
}

/** The statement of one page and one row more, which says whether there is another page. */
export const listQuery = (db: Database, filter: HistoryFilter, limit: number, after: Place | null) =>
  db
    .selectFrom('executions')
    .select(SUMMARY_COLUMNS)
    .where((eb) => eb.and([...conditionsOf(filter), ...(after ? [beyond(after, '<')] : [])]))
    .orderBy('finished_at', 'desc')
    .orderBy('execution_id', 'desc')
    .limit(limit + 1);

/** The time alone comes first: indexes and partitions know it, and ids decide between equal times only. */
const beyond = ({ finishedAt, executionId }: Place, direction: '<' | '>') => {
  const [time, sign] = [timestamp(finishedAt), sql.raw(direction)];
  return sql<boolean>`finished_at ${sign}= ${time} AND (finished_at ${sign} ${time} OR execution_id ${sign} ${executionId})`;
};

const documents = (db: Database) =>
  db
    .selectFrom('executions')
    .leftJoin('execution_logs', (join) =>
      join
        .onRef('execution_logs.execution_id', '=', 'executions.execution_id')
        .onRef('execution_logs.finished_at', '=', 'executions.finished_at'),
    )
    .selectAll('executions')
    .select(['execution_logs.logs', 'execution_logs.stdout', 'execution_logs.stderr']);

type DocumentRow = Awaited<ReturnType<ReturnType<typeof documents>['executeTakeFirstOrThrow']>>;
type SummaryRow = Awaited<ReturnType<ReturnType<typeof listQuery>['executeTakeFirstOrThrow']>>;

function documentOf({ logs, stdout, stderr, ...row }: DocumentRow): ExecutionResult {
  return toDocument({
    ...row,
    started_at: row.started_at.toISOString(),
    finished_at: row.finished_at.toISOString(),
    logs: stdout === null || stderr === null ? null : { logs, stdout, stderr },
  });
}

/** A value of a column as it was before it was stored. */
function readable(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(readable);
  return typeof value === 'string' ? fromStorable(value) : value;
}

const summaryOf = (row: SummaryRow): ExecutionSummary =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, readable(value)])) as ExecutionSummary;
