import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from '@jest/globals';
import { answerClientError, problemOfClientError } from './client-error.js';

/** Sends raw bytes to a server that answers errors so, and returns all that comes back. */
async function exchange(bytes: string, timeoutMs = 0): Promise<string> {
  const server = createServer({ requestTimeout: timeoutMs, connectionsCheckingInterval: 10 });
  server.on('clientError', (error, socket) => answerClientError(error, socket as never));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(bytes);
    return await text(socket);
  } finally {
    server.close();
  }
}

const parse = (answer: string): unknown => JSON.parse(answer.split('\r\n\r\n')[1] as string);

describe('answerClientError', () => {
  it.each([
    ['what is not HTTP', 'NONSENSE\r\n\r\n', 400, 'invalid-request'],
    ['too many headers', `GET / HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
  ])('answers %s with a problem document', async (_what, bytes, status, kind) => {
    const answer = await exchange(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} .*\r\nContent-Type: application/problem\\+json`));
    expect(parse(answer)).toMatchObject({ status, type: `urn:bifrost:problem:${kind}` });
  });

  it('answers a request that never ends with 408', async () => {
    const answer = await exchange('GET / HTTP/1.1\r\nhost: x\r\n', 20);
    expect(parse(answer)).toMatchObject({ status: 408, type: 'urn:bifrost:problem:request-timeout' });
  });

  it('says what to do', () => {
    expect(problemOfClientError('HPE_HEADER_OVERFLOW').detail).toContain('fewer or shorter');
  });
});
