import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { RequestError } from '../api/client.js';
import { noteAnswer, noteSilence } from './connection.js';

/** What a page shows of something that is read again and again. */
export interface Resource<T> {
  /** The last answer; undefined before the first. */
  data: T | undefined;
  /** Why the last request failed; undefined: it did not. */
  error: Error | undefined;
  /** Reads it now. */
  reload: () => void;
}

/**
 * Reads something at once, whenever `key` changes, and again every `everyMs` while the page is visible. What was read
 * stays while a later request fails.
 */
export function useResource<T>(
  key: string,
  read: (signal: AbortSignal) => Promise<T>,
  everyMs = 0,
): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error?: Error | undefined }>({ key });
  const latest = useRef(read);
  latest.current = read;
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        const data = await latest.current(ended.signal);
        if (ended.signal.aborted) return;
        noteAnswer();
        setState({ key, data });
      } catch (error) {
        if (ended.signal.aborted) return;
        if (error instanceof RequestError && error.isOffline) noteSilence();
        else noteAnswer();
        setState((before) => ({
          key,
          ...(before.key === key && before.data !== undefined ? { data: before.data } : {}),
          error: error as Error,
        }));
      }
      if (everyMs > 0) timer = setTimeout(again, everyMs);
    };
    const again = (): void => {
      if (document.hidden) timer = setTimeout(again, 500);
      else void load();
    };
    void load();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, everyMs, turn]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  const isCurrent = state.key === key;
  return { data: isCurrent ? state.data : undefined, error: isCurrent ? state.error : undefined, reload };
}
