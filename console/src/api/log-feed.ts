import type { LogEvent } from '../../../src/contract/log-stream.js';
import { executionPath } from './client.js';

/** What a follower of a log gets. */
export interface LogListener {
  /** Entries, in order, in batches. */
  onEntries: (entries: readonly LogEvent[]) => void;
  /** `live`, `lost` while it is tried again, `ended` after the last entry. */
  onState: (state: 'live' | 'lost' | 'ended') => void;
}

const TYPES: readonly LogEvent['type'][] = ['start', 'log', 'progress', 'dropped', 'truncated', 'end'];
const BATCH_MS = 60;
const RETRY_MS = 2_000;

/**
 * Follows the log of an execution from its beginning to its end, also over lost connections.
 * @returns what stops it
 */
export function followLog(id: string, { onEntries, onState }: LogListener): () => void {
  let source: EventSource | null = null;
  let lastId: string | null = null;
  let entries: LogEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;

  const flush = (): void => {
    timer = undefined;
    const batch = entries;
    entries = [];
    if (batch.length > 0) onEntries(batch);
    if (isOver) onState('ended');
  };
  const close = (): void => {
    source?.close();
    source = null;
  };
  const take = (type: LogEvent['type'], event: MessageEvent<string>): void => {
    const { lastEventId } = event;
    if (lastEventId !== '') lastId = lastEventId;
    entries.push({ ...(JSON.parse(event.data) as object), type, id: lastEventId || null } as LogEvent);
    if (type === 'end') {
      isOver = true;
      close();
    }
    timer ??= setTimeout(flush, BATCH_MS);
  };
  const open = (): void => {
    if (isOver || source || document.hidden) return;
    clearTimeout(retry);
    const opened = new EventSource(`${executionPath(id)}/logs${lastId === null ? '' : `?after=${lastId}`}`);
    source = opened;
    opened.addEventListener('open', () => onState('live'));
    opened.addEventListener('error', () => {
      if (isOver) return;
      onState('lost');
      if (opened.readyState !== EventSource.CLOSED) return;
      close();
      retry = setTimeout(open, RETRY_MS);
    });
    for (const type of TYPES) opened.addEventListener(type, (event) => take(type, event));
  };
  const onVisibility = (): void => (document.hidden ? close() : open());
  document.addEventListener('visibilitychange', onVisibility);
  open();
  return () => {
    isOver = true;
    close();
    clearTimeout(timer);
    clearTimeout(retry);
    document.removeEventListener('visibilitychange', onVisibility);
  };
}
