import { setTimeout as sleep } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { LogEvent } from '../../contract/log-stream.js';
import type { ApiAccess } from '../http/api-access.js';
import { UnavailableError } from '../http/api-errors.js';
import { openStream, parseJson, withAdvice } from '../http/api-request.js';

/** The server sends something every 15 seconds; a connection that is silent this long is dead. */
const SILENCE_MS = 45_000;
const RECONNECT_MS = 1_000;
/** How long to retry while the API does not answer: a worker's restart, a Redis failover. */
const PATIENCE_MS = 30_000;

/** Whose log to follow, and how. */
export interface FollowRequest {
  id: string;
  access: ApiAccess;
  interrupt: AbortSignal;
  patienceMs?: number;
}

/**
 * The events of an execution from the first to the end, over breaks of the connection.
 * @throws {CommandError} when the API refuses or is away for too long; the reason of `interrupt`.
 */
export async function* logEvents(request: FollowRequest): AsyncGenerator<LogEvent> {
  const { interrupt, patienceMs = PATIENCE_MS } = request;
  let lastId: string | null = null;
  /** Events without a cursor, which come again after a break. */
  let uncounted = 0;
  let receivedAtMs = performance.now();
  for (;;) {
    let skip = lastId === null ? uncounted : 0;
    try {
      for await (const event of connect(request, lastId)) {
        receivedAtMs = performance.now();
        if (skip > 0) {
          skip -= 1;
          continue;
        }
        lastId = event.id ?? lastId;
        uncounted += event.id === null ? 1 : 0;
        yield event;
        if (event.type === 'end') return;
      }
    } catch (error) {
      interrupt.throwIfAborted();
      if (!(error instanceof UnavailableError) || performance.now() - receivedAtMs > patienceMs) throw error;
    }
    await sleep(RECONNECT_MS, undefined, { signal: interrupt });
  }
}

/** One connection, until it breaks or the server ends it. */
async function* connect(
  { access, id, interrupt }: FollowRequest,
  lastId: string | null,
): AsyncGenerator<LogEvent> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  const request = {
    path: `/executions/${encodeURIComponent(id)}/logs`,
    accept: 'text/event-stream',
    headers: lastId === null ? {} : { 'last-event-id': lastId },
    ended: silence.signal,
  };
  try {
    const { body } = await openStream(access, request, interrupt);
    const decoder = new TextDecoder();
    const arrived: LogEvent[] = [];
    const parser = createParser({ onEvent: (message) => arrived.push(...eventsOf(message)) });
    const chunks = body[Symbol.asyncIterator]();
    const next = () => withAdvice(access, interrupt, () => chunks.next());
    for (let chunk = await next(); !chunk.done; chunk = await next()) {
      timer.refresh();
      parser.feed(decoder.decode(chunk.value, { stream: true }));
      yield* arrived.splice(0);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** The event of a message of this API; none for what is not known here. */
function eventsOf({ event, id, data }: EventSourceMessage): LogEvent[] {
  const fields = parseJson(data);
  if (typeof fields !== 'object' || fields === null) return [];
  return [{ ...fields, type: event ?? null, id: id ?? null } as LogEvent];
}
