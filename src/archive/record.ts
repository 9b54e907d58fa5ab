import type { ExecutionResult } from '../contract/result.js';
import { type ColumnValues, columnsOf, type Document } from './columns.js';
import { fromStorable, isDeeperThan, mapTexts, mayBeUnstorable, toStorable } from './storable-text.js';

/** One result as the database has it. */
export interface ArchiveRecord extends ColumnValues {
  document_bytes: number;
  /** The document without what columns and logs say exactly. */
  rest: unknown;
  logs: { logs: unknown; stdout: string; stderr: string } | null;
}

/** Larger documents are stored without their largest fields. */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;
/** Postgres refuses jsonb that is nested so deep that its parser would run out of stack. */
const MAX_LEVELS = 200;
/** Field of `rest` that holds a document as text, because it is nested too deep. */
const AS_TEXT = 'bifrost:document';
/** Field of a document that names those which were too large for the archive. */
const CUT = 'archive_cut';
const CUTTABLE = ['result', 'stdout', 'stderr', 'logs', 'variables', 'failure'] as const;

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
 * @param searched what free text is looked for in beside the document, in lower case
 * @throws {SyntaxError} when it is not JSON
 */
export function toRecord(executionId: string, text: string, searched = ''): ArchiveRecord {
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
    ...(searched === '' ? {} : { search: `${columns.search}\n${toStorable(searched)}` }),
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
