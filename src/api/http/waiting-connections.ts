import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { endWithProblem } from './client-error.js';
import { problemOf } from './problem.js';

const RETRY_AFTER_SECONDS = '5';

/**
 * Connections that wait for their client: nothing has come yet, a request is not complete, or its answer is
 * sent and the next request may come. Keeps at most `limit` of them: one more ends the one that waits
 * longest, with 503 and Retry-After where its client has had no answer yet, and silently otherwise.
 *
 * The newest is accepted instead of being refused, because it may be a probe, which shows only when it is
 * read. A client that floods the server with connections replaces its own older ones.
 */
export class WaitingConnections {
  /** The longest waiting first. */
  private readonly waiting = new Set<Socket>();
  private readonly answered = new WeakSet<Socket>();

  constructor(private readonly limit: number) {}

  /** Watches the connections of this server from now on. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => {
      socket.once('close', () => this.waiting.delete(socket));
      this.add(socket);
    });
    server.on('request', (request: IncomingMessage, response: ServerResponse) =>
      this.watch(request, response),
    );
  }

  /** Connections that wait now. */
  get size(): number {
    return this.waiting.size;
  }

  private watch(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (hasBody(request)) request.once('end', () => this.waiting.delete(socket));
    else this.waiting.delete(socket);
    response.once('finish', () => {
      this.answered.add(socket);
      if (!socket.destroyed) this.add(socket);
    });
  }

  private add(socket: Socket): void {
    // Last, also where an early answer found it waiting for the rest of the request.
    this.waiting.delete(socket);
    this.waiting.add(socket);
    if (this.waiting.size <= this.limit) return;
    const [oldest] = this.waiting;
    if (oldest) this.end(oldest);
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
