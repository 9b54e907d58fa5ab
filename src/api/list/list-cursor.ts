import { placeOf, type Place } from '../../archive/read/cursor.js';
import { type JobCursor, QUEUE_PLACES, type QueuePlace } from '../../queue/queue-pages.js';

/** Where in the queue a listing goes on. */
export interface QueuePosition {
  place: QueuePlace;
  /** null: at the beginning of that place. */
  after: JobCursor | null;
}

/** Where a listing goes on: in the queue and in the history, which it goes through beside each other. */
export interface ListPosition {
  /** null: all that has not ended was listed. */
  queue: QueuePosition | null;
  /** null: all of the history was listed; without a place: at the newest. */
  ended: { after: Place | null } | null;
}

const MAX_CHARS = 4_000;

/** The position as text that clients send back unchanged. */
export function listCursorOf({ queue, ended }: ListPosition): string {
  const value = [
    queue && [QUEUE_PLACES.indexOf(queue.place), queue.after?.jobId ?? '', queue.after?.hint ?? ''],
    ended && (ended.after ? [ended.after.finishedAt.getTime(), ended.after.executionId] : []),
  ];
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** null for a text that {@link listCursorOf} did not make. */
export function parseListCursor(cursor: string): ListPosition | null {
  if (cursor.length > MAX_CHARS || !/^[\w-]+$/.test(cursor)) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(value) || value.length !== 2) return null;
    const [queue, ended] = value as [unknown, unknown];
    const position = {
      queue: queue === null ? null : queuePosition(queue),
      ended: ended === null ? null : endedPosition(ended),
    };
    return (queue !== null && !position.queue) || (ended !== null && !position.ended) ? null : position;
  } catch {
    return null;
  }
}

function endedPosition(value: unknown): ListPosition['ended'] {
  if (Array.isArray(value) && value.length === 0) return { after: null };
  const after = placeOf(Buffer.from(JSON.stringify(value)).toString('base64url'));
  return after && { after };
}

function queuePosition(value: unknown): QueuePosition | null {
  if (!Array.isArray(value) || value.length !== 3) return null;
  const [index, jobId, hint] = value as [unknown, unknown, unknown];
  const place = QUEUE_PLACES[Number.isInteger(index) ? (index as number) : -1];
  if (place === undefined || typeof jobId !== 'string' || typeof hint !== 'string') return null;
  if (jobId === '') return { place, after: null };
  return /^\d{1,20}(\.\d{1,20})?(e\+?\d{1,3})?$/.test(hint) ? { place, after: { jobId, hint } } : null;
}
