/** Something that happened; `type` is the name of the event, null the id of one that cannot be gone on after. */
interface StreamEvent {
  id: string | null;
  type: string;
}

/** Proxies give up on connections that say nothing for a minute. */
const KEEP_ALIVE_MS = 15_000;
/** How soon a client that lost the connection tries again. */
const RECONNECT_MS = 1_000;

/** Server-Sent Events (WHATWG HTML, 9.2) of batches of events, with comments while there are none. */
export async function* eventStream(batches: AsyncIterable<readonly StreamEvent[]>): AsyncGenerator<string> {
  // At once, so that the client sees that it is connected.
  yield `retry: ${RECONNECT_MS}\n\n`;
  let saidAtMs = performance.now();
  for await (const batch of batches) {
    if (batch.length > 0) yield batch.map(eventText).join('');
    else if (performance.now() - saidAtMs < KEEP_ALIVE_MS) continue;
    else yield ':\n\n';
    saidAtMs = performance.now();
  }
}

/** JSON has no line breaks, so one `data` line is enough. */
function eventText({ id, type, ...data }: StreamEvent): string {
  return `${id === null ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
