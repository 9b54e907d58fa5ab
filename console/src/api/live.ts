import { signal } from '@preact/signals';
import type { Change } from '../../../src/contract/api/changes.js';

type Listener = (changes: readonly Change[]) => void;

/** `off`: nobody looks; `connecting`; `live`; `lost`: it is being tried again. */
export const liveState = signal<'off' | 'connecting' | 'live' | 'lost'>('off');

const TYPES: readonly Change['type'][] = [
  'queued',
  'delayed',
  'running',
  'progress',
  'ended',
  'removed',
  'gap',
];
const RETRY_MS = 2_000;
/** Changes come to the pages in batches, so that hundreds a second cost one drawing. */
const BATCH_MS = 100;

const listeners = new Set<Listener>();
let source: EventSource | null = null;
let lastId: string | null = null;
let waiting: Change[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;
let retry: ReturnType<typeof setTimeout> | undefined;

/**
 * Follows what happens to executions: one stream for all that listen, which is closed while the page is hidden, because
 * a browser has few connections to one origin, and goes on afterwards where it was.
 * @returns what ends it
 */
export function followChanges(listener: Listener): () => void {
  listeners.add(listener);
  open();
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    close();
    lastId = null;
    liveState.value = 'off';
  };
}

function open(): void {
  if (source || document.hidden || listeners.size === 0) return;
  clearTimeout(retry);
  if (liveState.value === 'off') liveState.value = 'connecting';
  const opened = new EventSource(`/executions/events${lastId === null ? '' : `?after=${lastId}`}`);
  source = opened;
  opened.addEventListener('open', () => (liveState.value = 'live'));
  opened.addEventListener('error', () => {
    liveState.value = 'lost';
    // The browser tries again by itself, but not after a refusal.
    if (opened.readyState !== EventSource.CLOSED) return;
    close();
    retry = setTimeout(open, RETRY_MS);
  });
  for (const type of TYPES) opened.addEventListener(type, (event) => take(type, event));
}

function close(): void {
  source?.close();
  source = null;
}

function take(type: Change['type'], event: MessageEvent<string>): void {
  if (event.lastEventId !== '') lastId = event.lastEventId;
  waiting.push({ ...(JSON.parse(event.data) as object), type, id: event.lastEventId } as Change);
  timer ??= setTimeout(() => {
    const changes = waiting;
    waiting = [];
    timer = undefined;
    for (const listener of listeners) listener(changes);
  }, BATCH_MS);
}

document.addEventListener('visibilitychange', () => (document.hidden ? close() : open()));
