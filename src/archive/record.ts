import type { ExecutionResult } from '../contract/result.js';
import { fromStorable, isDeeperThan, mapTexts, mayBeUnstorable, toStorable } from './storable-text.js';

/** One result as the database has it. Texts are storable; times are ISO 8601 in UTC. */
export interface ArchiveRecord {
  execution_id: string;
  /** 1 for the first run. */
  run: number;
  /** Id of the job scheduler whose tick it is. */
  schedule: string | null;
  finished_at: string;
  started_at: string;
  status: string;
  failure_code: string | null;
  error_type: string | null;
  error: string | null;
  workflow_id: string | null;
  organization_id: string | null;
  caller_id: string | null;
  caller_email: string | null;
  worker_id: string;
  attempt: number;
  tags: string[];
  duration_ms: number;
  queued_ms: number;
  document_bytes: number;
  search: string;
  /** The document without what columns and logs say exactly. */
  rest: unknown;
  logs: { logs: unknown; stdout: string; stderr: string } | null;
}

/** Longest text by which results are found: indexes have rows of bounded size. */
export const MAX_KEY_CHARS = 200;
/** How much of an error message has a column of its own, and is searched, in characters. */
export const MAX_ERROR_CHARS = 2000;
/** Larger documents are stored without their largest fields. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** Postgres refuses jsonb that is nested so deep that its parser would run out of stack. */
const MAX_LEVELS = 200;
/** What is later than the year 9999 is no time. */
const END_OF_TIME_MS = Date.UTC(10_000);
/** Field of `rest` that holds a document as text, because it is nested too deep. */
const AS_TEXT = 'bifrost:document';
/** Field of a document that names those which were too large for the archive. */
const CUT = 'archive_cut';
const CUTTABLE = ['result', 'stdout', 'stderr', 'logs', 'variables', 'failure'] as const;

type Document = Partial<ExecutionResult> & Record<string, unknown>;

/** Fields that a column says exactly, if the column has not shortened them. */
const EXACT = [
  'execution_id',
  'finished_at',
  'started_at',
  'status',
  'error_type',
  'error',
  'workflow_id',
  'worker_id',
  'attempt',
  'duration_ms',
  'queued_ms',
] as const;
const SEPARATE = new Set(['logs', 'stdout', 'stderr']);

/**
 * What is stored of a result.
 * @param text the document as it stands in Redis: JSON
 * @throws {SyntaxError} when it is not JSON
 */
export function toRecord(executionId: string, text: string): ArchiveRecord {
  const bytes = Buffer.byteLength(text);
  let document = JSON.parse(text) as Document;
  const deep = isDeeperThan(document, MAX_LEVELS);
  if (bytes > MAX_DOCUMENT_BYTES) document = withoutLargest(document, bytes);
  const clean = deep || !mayBeUnstorable(text) ? document : (mapTexts(document, toStorable) as Document);
  const columns = columnsOf(executionId, document);
  const { logs = [], stdout = '', stderr = '' } = clean;
  const hasLogs = logs.length > 0 || stdout !== '' || stderr !== '';
  return {
    ...columns,
    document_bytes: Math.min(bytes, MAX_DOCUMENT_BYTES),
    rest: deep ? { [AS_TEXT]: toStorable(JSON.stringify(document)) } : restOf(clean, columns),
    logs: hasLogs && !deep ? { logs, stdout, stderr } : null,
  };
}

/** The document that a record was made of. Fields are in the contract's order as far as columns name them. */
export function toDocument(
  row: Pick<ArchiveRecord, (typeof EXACT)[number] | 'rest' | 'logs'>,
): ExecutionResult {
  const rest = row.rest as Record<string, unknown>;
  if (typeof rest[AS_TEXT] === 'string') return JSON.parse(fromStorable(rest[AS_TEXT])) as ExecutionResult;
  const columns = Object.fromEntries(EXACT.map((field) => [field, row[field]]));
  const document = { ...columns, ...rest, ...(row.logs ?? { logs: [], stdout: '', stderr: '' }) };
  return mapTexts(document, fromStorable) as ExecutionResult;
}

function columnsOf(
  executionId: string,
  document: Document,
): Omit<ArchiveRecord, 'document_bytes' | 'rest' | 'logs'> {
  const { failure, caller, organization, tags } = document;
  const startedAt = timeOf(document.started_at);
  const error = cut(document.error, MAX_ERROR_CHARS);
  return {
    execution_id: executionId,
    run: Math.max(1, Math.trunc(numberOf(document.run ?? 1))),
    schedule: cut(document.schedule?.id, MAX_KEY_CHARS),
    // The same for every delivery of a result, also of one that says no time.
    finished_at: timeOf(document.finished_at) ?? startedAt ?? new Date(0).toISOString(),
    started_at: startedAt ?? timeOf(document.finished_at) ?? new Date(0).toISOString(),
    status: cut(document.status, MAX_KEY_CHARS) ?? 'failed',
    failure_code: cut(failure?.code, MAX_KEY_CHARS),
    error_type: cut(document.error_type, MAX_KEY_CHARS),
    error,
    workflow_id: cut(document.workflow_id, MAX_KEY_CHARS),
    organization_id: cut(organization?.id, MAX_KEY_CHARS),
    caller_id: cut(caller?.user_id, MAX_KEY_CHARS),
    caller_email: cut(caller?.email, MAX_KEY_CHARS),
    worker_id: cut(document.worker_id, MAX_KEY_CHARS) ?? '',
    attempt: Math.trunc(numberOf(document.attempt)),
    tags: Array.isArray(tags) ? tags.flatMap((tag) => cut(tag, MAX_KEY_CHARS) ?? []) : [],
    duration_ms: numberOf(document.duration_ms),
    queued_ms: numberOf(document.queued_ms),
    search: searchText(executionId, error),
  };
}

/** What free text is looked for in; in lower case, as the text that is looked for. */
export const searchText = (executionId: string, error: string | null): string =>
  `${executionId}\n${error ?? ''}`.toLowerCase();

function restOf(document: Document, columns: Record<string, unknown>): unknown {
  const exact: ReadonlySet<string> = new Set(EXACT.filter((field) => document[field] === columns[field]));
  return Object.fromEntries(
    Object.entries(document).filter(([field]) => !exact.has(field) && !SEPARATE.has(field)),
  );
}

/** Leaves out the largest fields until the rest fits, and names them. */
function withoutLargest(document: Document, bytes: number): Document {
  const sizes = CUTTABLE.map((field) => ({ field, size: JSON.stringify(document[field])?.length ?? 0 }));
  sizes.sort((a, b) => b.size - a.size);
  const smaller: Document = { ...document };
  const left: string[] = [];
  let size = bytes;
  for (const part of sizes) {
    if (size <= MAX_DOCUMENT_BYTES) break;
    left.push(part.field);
    delete smaller[part.field];
    size -= part.size;
  }
  return { ...smaller, [CUT]: left };
}

const cut = (value: unknown, chars: number): string | null => {
  if (typeof value !== 'string') return null;
  const storable = toStorable(value);
  // Cutting may leave half of a pair, which cannot be stored.
  return storable.length <= chars ? storable : storable.slice(0, chars).toWellFormed();
};

const timeOf = (value: unknown): string | null => {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return ms >= 0 && ms < END_OF_TIME_MS ? new Date(ms).toISOString() : null;
};

const numberOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? value : 0;
