import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import { connect as tlsConnect } from 'node:tls';
import { isIP } from 'node:net';
import type { NetworkTarget } from '../boundary/network-protocol.js';

/** Of an answer no more is read. */
const MOST_ANSWER_BYTES = 65_536;
const TIME_LIMIT_MS = 15_000;
const HTTPS_PORT = 443;
const HTTP_PORT = 80;

/** Connects to where the rules allow it; {@link Dialer} is one. */
export interface WebhookDialer {
  dial(target: NetworkTarget, signal: AbortSignal): Promise<Socket>;
}

/**
 * Posts JSON over a connection that the dialer makes, and resolves with the status of the answer, whose body is dropped.
 * Redirects are not followed: the status is theirs.
 * @throws {NetworkRefusal} when the rules forbid the address, otherwise what went wrong within 15 seconds.
 */
export async function postWebhook(
  url: URL,
  { body, headers }: { body: string; headers: Record<string, string> },
  dialer: WebhookDialer,
): Promise<number> {
  const signal = AbortSignal.timeout(TIME_LIMIT_MS);
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? HTTPS_PORT : HTTP_PORT) : Number(url.port);
  const socket = await dialer.dial({ host: url.hostname, port }, signal);
  socket.on('error', () => undefined);
  try {
    const connection = isTls ? await secure(socket, url.hostname, signal) : socket;
    return await post(connection, url, { body, headers }, signal);
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${TIME_LIMIT_MS / 1000} s`) : error;
  } finally {
    socket.destroy();
  }
}

async function secure(socket: Socket, hostname: string, signal: AbortSignal): Promise<Socket> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const connection = tlsConnect({ socket, ...(isIP(host) === 0 ? { servername: host } : {}), host });
  connection.on('error', () => undefined);
  await once(connection, 'secureConnect', { signal });
  return connection;
}

function post(
  connection: Socket,
  url: URL,
  { body, headers }: { body: string; headers: Record<string, string> },
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      createConnection: () => connection,
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body), connection: 'close' },
      signal,
    });
    request.once('error', reject);
    request.once('response', (response) => {
      const status = response.statusCode ?? 0;
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MOST_ANSWER_BYTES) response.destroy();
      });
      // The status has been read: what becomes of the rest of the answer changes nothing.
      response.once('error', () => undefined);
      response.once('close', () => resolve(status));
    });
    request.end(body);
  });
}
