import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Problem, problemOf } from './problem.js';

/** What Node's HTTP parser refuses has no request yet, so the answer is written to the socket itself. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  endWithProblem(socket, problemOfClientError(error.code));
}

/** Writes a whole answer to a connection that has no request to answer, and ends our half of it. */
export function endWithProblem(
  socket: Socket,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(problem);
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
      'Content-Type: application/problem+json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      'Connection: close',
      '',
      body,
    ].join('\r\n'),
  );
}

/** Pure part: what a client may know of it, by the code of Node's error. */
export function problemOfClientError(code: string | undefined): Problem {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return problemOf('request-timeout', 'The request did not arrive in full in time; send it again', '');
    case 'HPE_HEADER_OVERFLOW':
      return problemOf(
        'headers-too-large',
        'The headers are larger than 16 KB; send fewer or shorter ones',
        '',
      );
    default:
      return problemOf('invalid-request', 'This is not a valid HTTP/1.1 request', '');
  }
}
