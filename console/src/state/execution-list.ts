import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { ListedExecution, Listing } from '../../../src/contract/api/listing.js';
import { ask, RequestError } from '../api/client.js';
import { followChanges } from '../api/live.js';
import { noteAnswer, noteSilence, online } from './connection.js';
import { applied, keyOf, type ListState, merged, PAGE } from './list-rows.js';

/** How often the beginning of the list is read again at most, while things happen. */
const REFRESH_MS = 1_500;
/** Rows that are read at once when a person scrolls to the end. */
const MORE = 500;
/** Rows that are kept; beyond it paging stops and a filter helps. */
const MOST = 100_000;

/** A list of executions that follows what happens to them. */
export interface LiveList {
  rows: readonly ListedExecution[] | undefined;
  error: Error | undefined;
  /** Why those that have ended are missing. */
  historyAway: string | null;
  hasMore: boolean;
  isLoadingMore: boolean;
  /** There is something newer, which is not shown while a person reads further down: rows would move under the eyes. */
  hasNews: boolean;
  /** Whether the beginning of the list is in sight. */
  setAtTop: (isAtTop: boolean) => void;
  loadMore: () => void;
  reload: () => void;
}

/**
 * The list of a filter, live: known rows change at once, new ones come with the next reading.
 * @param question what the filter stands for, where that stays while a time in the filter moves on
 */
export function useExecutionList(filter: string, question = filter): LiveList {
  const latest = useRef(filter);
  latest.current = filter;
  const [state, setState] = useState<ListState>({ question, cursor: null, historyAway: null });
  const [hasNews, setHasNews] = useState(false);
  const isAtTop = useRef(true);
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
        const page = await ask<Listing>(`/executions?${withLimit(latest.current, PAGE)}`, {
          signal: ended.signal,
        });
        noteAnswer();
        setHasNews(false);
        setState((before) => merged(before, question, page));
      } catch (error) {
        if (ended.signal.aborted) return;
        if (error instanceof RequestError && error.isOffline) noteSilence();
        setState((before) => ({
          ...(before.question === question ? before : { cursor: null, historyAway: null }),
          question,
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
      if (!isAtTop.current) {
        setHasNews(true);
        return;
      }
      timer ??= setTimeout(() => void read(), Math.max(50, REFRESH_MS - (performance.now() - readAt)));
    };
    isAtTop.current = true;
    refresh.current = () => void read();
    void read();
    const unfollow = followChanges((changes) => {
      setState((before) => {
        if (!before.rows) return before;
        const rows = applied(before.rows, changes);
        return rows === before.rows ? before : { ...before, rows };
      });
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
  }, [question]);

  const loadMore = useCallback(() => {
    const { cursor, rows = [] } = current.current;
    if (cursor === null || isLoadingMore || rows.length >= MOST) return;
    setLoadingMore(true);
    ask<Listing>(`/executions?${withLimit(latest.current, MORE)}&cursor=${encodeURIComponent(cursor)}`)
      .then((page) =>
        setState((before) => {
          if (before.question !== question || !before.rows) return before;
          const ids = new Set(page.executions.map(({ execution_id: id }) => id));
          const known = new Set(before.rows.filter(({ execution_id: id }) => ids.has(id)).map(keyOf));
          const news = page.executions.filter((one) => !known.has(keyOf(one)));
          return { ...before, rows: [...before.rows, ...news], cursor: page.next_cursor };
        }),
      )
      .catch((error: unknown) => setState((before) => ({ ...before, error: error as Error })))
      .finally(() => setLoadingMore(false));
  }, [question, isLoadingMore]);

  const setAtTop = useCallback((isThere: boolean) => {
    if (isThere === isAtTop.current) return;
    isAtTop.current = isThere;
    if (isThere) refresh.current();
  }, []);

  const isCurrent = state.question === question;
  return {
    rows: isCurrent ? state.rows : undefined,
    error: isCurrent ? state.error : undefined,
    historyAway: isCurrent ? state.historyAway : null,
    hasMore: isCurrent && state.cursor !== null,
    isLoadingMore,
    hasNews,
    setAtTop,
    loadMore,
    reload: () => refresh.current(),
  };
}

const withLimit = (filter: string, limit: number): string =>
  `${filter}${filter === '' ? '' : '&'}limit=${limit}`;
