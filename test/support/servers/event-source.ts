import { once } from 'node:events';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';

/** One server-sent event, its data parsed. */
export interface ReceivedEvent {
  id: string | undefined;
  event: string;
  data: Record<string, unknown>;
  /** Unix milliseconds at which it came. */
  at: number;
}

/** A client of an event stream that keeps everything it receives. */
export class EventSourceClient {
  readonly events: ReceivedEvent[] = [];
  /** Settles when the server has ended the stream, or the connection is gone. */
  readonly ended: Promise<void>;
  private buffer = '';

  private constructor(
    private readonly request: ClientRequest,
    readonly response: IncomingMessage,
  ) {
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.read(text));
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => response.once('close', resolve));
  }

  /** Connects; resolves with the answer, whatever its status. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventSourceClient> {
    const request = get(url, { headers: { accept: 'text/event-stream', ...headers } });
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return new EventSourceClient(request, response);
  }

  /** Breaks the connection, as a client does that goes away. */
  close(): void {
    this.request.destroy();
  }

  /** Messages of the `log` events so far. */
  get messages(): unknown[] {
    return this.events.filter(({ event }) => event === 'log').map(({ data }) => data['message']);
  }

  private read(text: string): void {
    const blocks = (this.buffer + text).split('\n\n');
    this.buffer = blocks.pop() as string;
    for (const block of blocks) {
      const fields = Object.fromEntries(
        block.split('\n').flatMap((line) => {
          const [, name, value] = /^(\w+): (.*)$/.exec(line) ?? [];
          return name === undefined ? [] : [[name, value]];
        }),
      ) as Record<string, string | undefined>;
      if (fields['data'] === undefined) continue;
      const data = JSON.parse(fields['data']) as Record<string, unknown>;
      this.events.push({ id: fields['id'], event: fields['event'] ?? 'message', data, at: Date.now() });
    }
  }
}
