/** A place in the history, between two executions: after this one, in the order of a listing. */
export interface Place {
  finishedAt: Date;
  executionId: string;
}

/** The cursor as text that clients send back unchanged. */
export const cursorOf = ({ finishedAt, executionId }: Place): string =>
  Buffer.from(JSON.stringify([finishedAt.getTime(), executionId])).toString('base64url');

const MAX_CHARS = 1000;
const MAX_TIME_MS = Date.UTC(10_000);

/** Null for a text that {@link cursorOf} did not make. */
export function placeOf(cursor: string): Place | null {
  if (cursor.length > MAX_CHARS || !/^[\w-]+$/.test(cursor)) return null;
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(value) || value.length !== 2) return null;
    const [ms, executionId] = value as [unknown, unknown];
    if (!Number.isInteger(ms) || typeof executionId !== 'string' || executionId.includes('\0')) return null;
    if ((ms as number) < 0 || (ms as number) >= MAX_TIME_MS) return null;
    return { finishedAt: new Date(ms as number), executionId };
  } catch {
    return null;
  }
}
