import type { ExecutionResult } from '../contract/result.js';
import { toStorable } from './storable-text.js';

/** A result as JSON has it: what its fields hold is not known before it is looked at. */
export type Document = Partial<ExecutionResult> & Record<string, unknown>;

/** Longest text by which results are found: indexes have rows of bounded size. */
export const MAX_KEY_CHARS = 200;
/** How much of an error message has a column of its own, and is searched, in characters. */
export const MAX_ERROR_CHARS = 2000;
/** What is later than the year 9999 is no time. */
const END_OF_TIME_MS = Date.UTC(10_000);

/** One column of the table of executions: its type in SQL, and what it holds of a document. */
interface Column<Value> {
  sql: string;
  valueOf: (document: Document, executionId: string) => Value;
}

const column = <Value>(sql: string, valueOf: Column<Value>['valueOf']): Column<Value> => ({ sql, valueOf });

/** A text by which results are found; null: there is none. */
const key = (valueOf: (document: Document) => unknown): Column<string | null> =>
  column('text', (document) => cut(valueOf(document), MAX_KEY_CHARS));

const figure = (valueOf: (document: Document) => unknown): Column<number> =>
  column('double precision', (document) => numberOf(valueOf(document)));

/**
 * What the database has of a result in columns. A row here is written, and is read for the list of
 * executions where `SUMMARY_FIELDS` has a field of its name; a migration adds the column.
 */
export const COLUMNS = {
  execution_id: column('text', (_document, executionId) => executionId),
  /** 1 for the first run. */
  run: column('integer', ({ run }) => Math.max(1, Math.trunc(numberOf(run ?? 1)))),
  /** Id of the job scheduler whose tick it is. */
  schedule: key(({ schedule }) => schedule?.id),
  /** Id of the execution that it was run again of. */
  again_of: key((of) => of.again_of),
  // The same for every delivery of a result, also of one that says no time.
  finished_at: column('timestamptz(3)', (of) => firstTime(of.finished_at, of.started_at)),
  started_at: column('timestamptz(3)', (of) => firstTime(of.started_at, of.finished_at)),
  status: column('text', ({ status }) => cut(status, MAX_KEY_CHARS) ?? 'failed'),
  failure_code: key(({ failure }) => failure?.code),
  error_type: key((of) => of.error_type),
  error: column('text', errorOf),
  workflow_id: key((of) => of.workflow_id),
  organization_id: key(({ organization }) => organization?.id),
  caller_id: key(({ caller }) => caller?.user_id),
  caller_email: key(({ caller }) => caller?.email),
  worker_id: column('text', (of) => cut(of.worker_id, MAX_KEY_CHARS) ?? ''),
  attempt: column('integer', ({ attempt }) => Math.trunc(numberOf(attempt))),
  tags: column('text[]', tagsOf),
  duration_ms: figure((of) => of.duration_ms),
  queued_ms: figure((of) => of.queued_ms),
  search: column('text', (document, executionId) =>
    searchText(executionId, errorOf(document), tagsOf(document)),
  ),
};

/** Values of the columns. Texts are storable; times are ISO 8601 in UTC. */
export type ColumnValues = {
  [Name in keyof typeof COLUMNS]: ReturnType<(typeof COLUMNS)[Name]['valueOf']>;
};

const ENTRIES = Object.entries(COLUMNS);

/** What the columns hold of a document. */
export const columnsOf = (executionId: string, document: Document): ColumnValues =>
  Object.fromEntries(
    ENTRIES.map(([name, { valueOf }]) => [name, valueOf(document, executionId)]),
  ) as ColumnValues;

/** What free text is looked for in; in lower case, as the text that is looked for. */
export const searchText = (executionId: string, error: string | null, tags: readonly string[]): string =>
  [executionId, error ?? '', ...tags].join('\n').toLowerCase();

function tagsOf({ tags }: Document): string[] {
  return Array.isArray(tags) ? tags.flatMap((tag) => cut(tag, MAX_KEY_CHARS) ?? []) : [];
}

function errorOf({ error }: Document): string | null {
  return cut(error, MAX_ERROR_CHARS);
}

function cut(value: unknown, chars: number): string | null {
  if (typeof value !== 'string') return null;
  const storable = toStorable(value);
  // Cutting may leave half of a pair, which cannot be stored.
  return storable.length <= chars ? storable : storable.slice(0, chars).toWellFormed();
}

/** The first of these that is a time; without any the beginning of time. */
function firstTime(...values: unknown[]): string {
  const ms = values
    .map((value) => (typeof value === 'string' ? Date.parse(value) : Number.NaN))
    .find((time) => time >= 0 && time < END_OF_TIME_MS);
  return new Date(ms ?? 0).toISOString();
}

function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}
