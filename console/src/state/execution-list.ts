import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Change } from '../../../src/contract/api/changes.js';
import type { ListedExecution, Listing } from '../../../src/contract/api/listing.js';
import { ask, RequestError } from '../api/client.js';
import { followChanges } from '../api/live.js';
import { noteAnswer, noteSilence, online } from './connection.js';

/** How often the beginning of the list is read again at most, while things happen. */
const REFRESH_MS = 1_500;
const PAGE = 100;
/** Rows that are kept; beyond it paging stops and a filter helps. */
const MOST = 20_000;

/** A list of executions that follows what happens to them. */
export interface LiveList {
  rows: readonly ListedExecution[] | undefined;
  error: Error | undefined;
  /** Why those that have ended are missing. */
  historyAway: string | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  reload: () => void;
}

const keyOf = (one: ListedExecution): string =>
  'run' in one ? `${one.execution_id} ${one.run}` : one.execution_id;

/** The list of a filter, live: known rows change at once, new ones come with the next reading. */
export function useExecutionList(filter: string): LiveList {
  const [state, setState] = useState<{
    filter: string;
    rows?: readonly ListedExecution[];
    cursor: string | null;
    historyAway: string | null;
    error?: Error | undefined;
  }>({ filter, cursor: null, historyAway: null });
  const [isLoadingMore, setLoadingMore] = useState(false);
  const current = useRef(state);
  current.current = state;
  const refresh = useRef<() => void>(() => undefined);

  useEffect(() => {
    const ended = new AbortController();
    let isReading = false;
    let isStale = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let readAt = 0;

    const read = async (): Promise<void> => {
      timer = undefined;
      if (isReading) {
        isStale = true;
        return;
      }
      isReading = true;
      readAt = performance.now();
      try {
        const page = await ask<Listing>(`/executions?${filter}${filter && '&'}limit=${PAGE}`, {
          signal: ended.signal,
        });
        noteAnswer();
        setState((before) => merged(before, filter, page));
      } catch (error) {
        if (ended.signal.aborted) return;
        if (error instanceof RequestError && error.isOffline) noteSilence();
        setState((before) => ({
          ...(before.filter === filter ? before : { cursor: null, historyAway: null }),
          filter,
          error: error as Error,
        }));
      } finally {
        isReading = false;
        if (isStale && !ended.signal.aborted) {
          isStale = false;
          schedule();
        }
      }
    };
    const schedule = (): void => {
      timer ??= setTimeout(() => void read(), Math.max(50, REFRESH_MS - (performance.now() - readAt)));
    };
    refresh.current = () => void read();
    void read();
    const unfollow = followChanges((changes) => {
      setState((before) => (before.rows ? { ...before, rows: applied(before.rows, changes) } : before));
      schedule();
    });
    const stopOnline = online.subscribe((isOnline) => {
      if (isOnline) schedule();
    });
    return () => {
      ended.abort();
      clearTimeout(timer);
      unfollow();
      stopOnline();
    };
  }, [filter]);

  const loadMore = useCallback(() => {
    const { cursor, rows = [] } = current.current;
    if (cursor === null || isLoadingMore || rows.length >= MOST) return;
    setLoadingMore(true);
    ask<Listing>(
      `/executions?${filter}${filter && '&'}limit=${PAGE * 2}&cursor=${encodeURIComponent(cursor)}`,
    )
      .then((page) =>
        setState((before) => {
          if (before.filter !== filter || !before.rows) return before;
          const known = new Set(before.rows.map(keyOf));
          const news = page.executions.filter((one) => !known.has(keyOf(one)));
          return { ...before, rows: [...before.rows, ...news], cursor: page.next_cursor };
        }),
      )
      .catch((error: unknown) => setState((before) => ({ ...before, error: error as Error })))
      .finally(() => setLoadingMore(false));
  }, [filter, isLoadingMore]);

  const isCurrent = state.filter === filter;
  return {
    rows: isCurrent ? state.rows : undefined,
    error: isCurrent ? state.error : undefined,
    historyAway: isCurrent ? state.historyAway : null,
    hasMore: isCurrent && state.cursor !== null,
    isLoadingMore,
    loadMore,
    reload: () => refresh.current(),
  };
}

interface ListState {
  filter: string;
  rows?: readonly ListedExecution[];
  cursor: string | null;
  historyAway: string | null;
  error?: Error | undefined;
}

/** The first page anew, and after it what was paged to before. */
function merged(before: ListState, filter: string, page: Listing): ListState {
  const isPaged = before.filter === filter && (before.rows?.length ?? 0) > PAGE;
  const ids = new Set(page.executions.map(({ execution_id: id }) => id));
  const open = new Set(['queued', 'delayed', 'running']);
  const rest = isPaged
    ? (before.rows ?? []).slice(PAGE).filter((one) => !ids.has(one.execution_id) || !open.has(one.status))
    : [];
  const known = new Set(page.executions.map(keyOf));
  const rows = [...page.executions, ...rest.filter((one) => !known.has(keyOf(one)))];
  return {
    filter,
    rows,
    cursor: isPaged ? before.cursor : page.next_cursor,
    historyAway: page.history_away,
  };
}

/** Rows as they are after what happened; those that are not known come with the next reading. */
export function applied(
  rows: readonly ListedExecution[],
  changes: readonly Change[],
): readonly ListedExecution[] {
  const latest = new Map<string, Change>();
  for (const change of changes)
    if (change.type !== 'gap' && change.type !== 'queued') latest.set(change.execution_id, change);
  if (latest.size === 0) return rows;
  return rows.map((row) => {
    const change = latest.get(row.execution_id);
    if (!change || 'finished_at' in row) return row;
    if (change.type === 'progress' && row.status === 'running') return { ...row, progress: change.progress };
    if (change.type === 'running' && row.status !== 'running') {
      const { waiting: _, ...rest } = row;
      return { ...rest, status: 'running', worker_id: '', attempt: 1, started_at: change.at, progress: null };
    }
    return row;
  });
}
