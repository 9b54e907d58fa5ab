import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEvent } from '../../contract/log-stream.js';
import type { ApiAccess } from '../http/api-access.js';
import { connectionError, refusalError, strangeAnswer, UnavailableError } from '../http/api-errors.js';
import { parseJson } from '../http/api-request.js';

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
  try {
    const response = await fetch(`${access.url}/executions/${encodeURIComponent(id)}/logs`, {
      headers: {
        accept: 'text/event-stream',
        ...(lastId === null ? {} : { 'last-event-id': lastId }),
        ...(access.token === undefined ? {} : { authorization: `Bearer ${access.token}` }),
      },
      redirect: 'manual',
      signal: AbortSignal.any([interrupt, silence.signal]),
    });
    const { status } = response;
    if (status !== 200) throw refusalError({ status, body: parseJson(await response.text()) }, access);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (!isStream || !response.body) throw strangeAnswer(status, access);
    for await (const block of blocks(response.body, () => timer.refresh())) {
      const event = eventOf(block);
      if (event) yield event;
    }
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error) throw error;
    interrupt.throwIfAborted();
    throw connectionError(error, access);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}

/** Texts between blank lines. */
async function* blocks(body: ReadableStream<Uint8Array>, onChunk: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    onChunk();
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = parts.pop() as string;
    yield* parts;
  }
}

/** A server-sent event of this API; null for a comment and what is not known here. */
function eventOf(block: string): LogEvent | null {
  const field = (name: string): string | null => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
  const data = parseJson(field('data') ?? '');
  if (typeof data !== 'object' || data === null) return null;
  return { ...data, type: field('event'), id: field('id') } as LogEvent;
}
