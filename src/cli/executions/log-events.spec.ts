import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LogEvent } from '../../contract/log-stream.js';
import { logEvents } from './log-events.js';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** An API that gives each connection the next of these answers; `asked` has the cursors it was asked for. */
async function apiOf(answers: ((response: ServerResponse) => unknown)[]) {
  const asked: unknown[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(request.headers['last-event-id']);
    answers[asked.length - 1]?.(response);
  });
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, access: { url, token: undefined } };
}

const STREAM = { 'content-type': 'text/event-stream; charset=utf-8' };
const LINE = `event: log\nid: 1-0\ndata: ${JSON.stringify({ n: 1, message: 'grün', stream: 'stdout' })}\n\n`;
const END = `event: end\nid: 2-0\ndata: ${JSON.stringify({ n: 2, status: 'succeeded' })}\n\n`;

async function collect(access: { url: string; token: undefined }, patienceMs = 60_000): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  const interrupt = new AbortController().signal;
  for await (const event of logEvents({ id: 'e', access, interrupt, patienceMs })) events.push(event);
  return events;
}

const EXPECTED = [
  { type: 'log', id: '1-0', n: 1, message: 'grün', stream: 'stdout' },
  { type: 'end', id: '2-0', n: 2, status: 'succeeded' },
];

describe('the events of a log', () => {
  it('are read whatever pieces they come in; comments and what is not known are passed over', async () => {
    const { access } = await apiOf([
      async (response) => {
        response.writeHead(200, STREAM);
        const bytes = Buffer.from(`: still here\n\n${LINE}event: news\ndata: 7\n\nretry: 5\n\n${END}`);
        for (const byte of bytes) {
          response.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      },
    ]);
    expect(await collect(access)).toEqual(EXPECTED);
  });

  it('go on after a break where they were; what has no cursor is not repeated', async () => {
    const dropped = `event: dropped\ndata: {"count":3}\n\n`;
    const { access, asked } = await apiOf([
      (response) => response.writeHead(200, STREAM).end(dropped),
      (response) => {
        response.writeHead(200, STREAM).write(dropped + LINE);
        setImmediate(() => response.destroy());
      },
      (response) => response.writeHead(200, STREAM).end(END),
    ]);
    expect(await collect(access)).toEqual([{ type: 'dropped', id: null, count: 3 }, ...EXPECTED]);
    expect(asked).toEqual([undefined, undefined, '1-0']);
  });

  it.each([
    [401, { 'content-type': 'application/problem+json' }, '{"title":"no"}', 'BIFROST_TOKEN'],
    [200, { 'content-type': 'text/html' }, '<html>', 'BIFROST_URL'],
  ])('are refused with advice by an answer %d of %j', async (status, headers, body, advice) => {
    const { access } = await apiOf([(response) => response.writeHead(status, headers).end(body)]);
    await expect(collect(access)).rejects.toThrow(advice);
  });
});
