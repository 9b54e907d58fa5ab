import type { Change } from '../../../src/contract/api/changes.js';
import type { ListedExecution, Listing } from '../../../src/contract/api/listing.js';

/** Rows of the first page, which is read again and again. */
export const PAGE = 100;

/** What tells rows apart: an execution has one for each of its runs. */
export const keyOf = (one: ListedExecution): string =>
  isEnded(one) ? `${one.execution_id} ${one.run}` : one.execution_id;

/** What is known of a list. */
export interface ListState {
  /** Tells the questions apart whose answers these are. */
  question: string;
  rows?: readonly ListedExecution[];
  cursor: string | null;
  historyAway: string | null;
  error?: Error | undefined;
}

/** The row of one that has ended. */
export type EndedRow = Extract<ListedExecution, { finished_at: string }>;
export const isEnded = (one: ListedExecution): one is EndedRow => 'finished_at' in one;

/**
 * The first page anew, and after it what was paged to before. Where more has come since than a page holds, what was
 * before is left out: there would be a gap. Pure.
 */
export function merged(before: ListState, question: string, page: Listing): ListState {
  const fresh = page.executions;
  const alone = { question, rows: fresh, cursor: page.next_cursor, historyAway: page.history_away };
  const former = before.question === question ? (before.rows ?? []) : [];
  if (former.length <= PAGE || page.next_cursor === null) return alone;
  const ids = new Set(fresh.map(({ execution_id: id }) => id));
  const keys = new Set(fresh.map(keyOf));
  // Those that have not ended come first, so a page with one that has has all of the others.
  const hasEnded = fresh.some(isEnded);
  const isKnown = (one: ListedExecution): boolean => ids.has(one.execution_id) && keys.has(keyOf(one));
  const rest = former.filter((one, index) => {
    if (!isEnded(one)) return !hasEnded && index >= PAGE && !ids.has(one.execution_id);
    return !isKnown(one);
  });
  const meets = hasEnded ? former.some((one) => isEnded(one) && isKnown(one)) : true;
  return meets ? { ...alone, rows: [...fresh, ...rest], cursor: before.cursor } : alone;
}

/** Rows as they are after what happened, the same array where that is nothing; new ones come with the next reading. Pure. */
export function applied(
  rows: readonly ListedExecution[],
  changes: readonly Change[],
): readonly ListedExecution[] {
  const latest = new Map<string, Change>();
  for (const change of changes)
    if (change.type !== 'gap' && change.type !== 'queued') latest.set(change.execution_id, change);
  if (latest.size === 0) return rows;
  let isSame = true;
  const next = rows.map((row) => {
    if (isEnded(row)) return row;
    const change = latest.get(row.execution_id);
    const changed = change ? after(row, change) : row;
    isSame &&= changed === row;
    return changed;
  });
  return isSame ? rows : next;
}

function after(row: ListedExecution, change: Change): ListedExecution {
  if (change.type === 'progress' && row.status === 'running') return { ...row, progress: change.progress };
  if (change.type === 'running' && (row.status === 'queued' || row.status === 'delayed')) {
    const { waiting: _, ...rest } = row;
    return { ...rest, status: 'running', worker_id: '', attempt: 1, started_at: change.at, progress: null };
  }
  return row;
}
