import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { endWithProblem } from './client-error.js';
import { problemOf } from './problem.js';

const RETRY_AFTER_SECONDS = '5';

/** What a client is given to send its request: many that connect at once are no flood. */
const GRACE_MS = 1_000;
/** How many times the limit may wait within that time. */
const BURST = 4;

/**
 * Connections that wait for their client: nothing has come yet, a request is not complete, or its answer is
 * sent and the next request may come. Of those that have waited for a second and more, `limit` are kept, and the longest
 * waiting of the others are ended; of more than four times as many the one that waits longest is ended at once: with
 * 503 and Retry-After where its client has had no answer yet, and silently otherwise.
 *
 * The newest is accepted instead of being refused, because it may be a probe, which shows only when it is
 * read. A client that floods the server with connections replaces its own older ones. Where more than `limit` are open,
 * an answer says that its connection ends with it, so that no client sends its next request into one that is being ended.
 */
export class WaitingConnections {
  /** Since when, by the process's clock; the longest waiting first. */
  private readonly waiting = new Map<Socket, number>();
  private readonly answered = new WeakSet<Socket>();
  private open = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly limit: number) {}

  /** Watches the connections of this server from now on. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.open += 1;
      socket.once('close', () => {
        this.open -= 1;
        this.waiting.delete(socket);
      });
      this.add(socket);
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.watch(request, response),
    );
  }

  private watch(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (hasBody(request)) request.once('end', () => this.waiting.delete(socket));
    else this.waiting.delete(socket);
    if (this.open > this.limit) response.shouldKeepAlive = false;
    response.once('finish', () => {
      this.answered.add(socket);
      if (!socket.destroyed) this.add(socket);
    });
  }

  private add(socket: Socket): void {
    // Last, also where an early answer found it waiting for the rest of the request.
    this.waiting.delete(socket);
    this.waiting.set(socket, performance.now());
    this.endSurplus();
  }

  private endSurplus(): void {
    if (this.waiting.size <= this.limit) return;
    const [oldest] = this.waiting.keys();
    if (oldest && this.waiting.size > BURST * this.limit) this.end(oldest);
    this.timer ??= setTimeout(() => this.endOverdue(), GRACE_MS).unref();
  }

  /** Those that came lately do not count: an idle connection is not ended because others ask for something. */
  private endOverdue(): void {
    this.timer = null;
    const beforeMs = performance.now() - GRACE_MS;
    const overdue = [...this.waiting].flatMap(([socket, sinceMs]) => (sinceMs <= beforeMs ? [socket] : []));
    for (const socket of overdue.slice(0, Math.max(0, overdue.length - this.limit))) this.end(socket);
    this.endSurplus();
  }

  private end(socket: Socket): void {
    this.waiting.delete(socket);
    if (socket.writable && !this.answered.has(socket))
      endWithProblem(socket, problemOf('unavailable', DETAIL, ''), { 'Retry-After': RETRY_AFTER_SECONDS });
    // Both halves, once that is sent: a client that stays silent would keep the other.
    socket.destroySoon();
  }
}

const DETAIL =
  'Too many connections wait for their clients (CONNECTIONS_WAITING_LIMIT); connect again and send the whole request';

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
