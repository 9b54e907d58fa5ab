// Loads no zod: the command line writes CSV with it.
import type { UsageRow } from './usage.js';

/** Columns of usage as CSV, in their order. */
export const USAGE_COLUMNS = [
  'day',
  'organization',
  'executions',
  'cpu_seconds',
  'network_bytes',
  'artifact_bytes',
] as const satisfies readonly (keyof UsageRow)[];

/** Rows below the names of the columns (RFC 4180). */
export const usageCsv = (rows: readonly UsageRow[]): string =>
  [USAGE_COLUMNS.join(','), ...rows.map((row) => USAGE_COLUMNS.map((name) => cellOf(row[name])).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');

/** An id that a spreadsheet would take for a formula stays text. */
function cellOf(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
