import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { LogReaders } from '../../../src/api/logs/log-readers.js';
import { type Application, openApplication } from '../../support/application.js';
import { EventSourceClient } from '../../support/servers/event-source.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const READERS = 200;
const READERS_LIMIT = 100;
const READERS_OF_ONE = 25;
const HALF_OPEN = 400;
const WAITING_LIMIT = 256;

const redis = useRedis();
let app: Application;
beforeAll(async () => {
  app = await openApplication(redis, {
    ROLES: 'api',
    LOG_READERS_LIMIT: String(READERS_LIMIT),
    CONNECTIONS_WAITING_LIMIT: String(WAITING_LIMIT),
  });
});

/** A task that no worker takes, so that its log has no end. */
async function queuedTask(): Promise<string> {
  const answer = await fetch(`${app.url}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code: '1' }),
  });
  return ((await answer.json()) as { id: string }).id;
}

const probes = async (): Promise<number[]> =>
  await Promise.all(
    ['/health/live', '/health/ready'].map(async (path) => (await fetch(`${app.url}${path}`)).status),
  );

describe('200 readers of one log', () => {
  const sources: EventSourceClient[] = [];
  const follow = async (id: string): Promise<EventSourceClient> => {
    const source = await EventSourceClient.open(`${app.url}/executions/${id}/logs`);
    sources.push(source);
    return source;
  };
  afterEach(async () => {
    for (const source of sources.splice(0)) source.close();
    await until(() => app.nest.get(LogReaders, { strict: false }).size === 0, { what: 'all have left' });
  });

  it('are let in up to a quarter of all; the others get 503 and when to come again', async () => {
    const [id, other] = [await queuedTask(), await queuedTask()];
    await Promise.all(Array.from({ length: READERS }, () => follow(id)));
    const refused = sources.filter(({ response }) => response.statusCode !== 200);
    expect(refused).toHaveLength(READERS - READERS_OF_ONE);
    for (const { response } of refused) {
      expect(response.statusCode).toBe(503);
      expect(response.headers).toMatchObject({
        'retry-after': expect.stringMatching(/^\d+$/),
        'content-type': 'application/problem+json; charset=utf-8',
      });
    }
    expect(await probes()).toEqual([200, 200]);
    expect((await follow(other)).response.statusCode).toBe(200);
    expect((await fetch(`${app.url}/executions/${id}/logs`)).status).toBe(200);
  });

  it('make room when they leave', async () => {
    const id = await queuedTask();
    const readers = await Promise.all(Array.from({ length: READERS_OF_ONE }, () => follow(id)));
    expect((await follow(id)).response.statusCode).toBe(503);
    readers[0]?.close();
    await until(async () => (await follow(id)).response.statusCode === 200, { what: 'the place is free' });
  });
});

describe('400 half-open connections', () => {
  const BEGINNINGS = [
    '',
    'GET /tasks HTTP/1.1\r\nhost: 127.0.0.1\r\n',
    'POST /tasks HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{',
  ];

  class HalfOpen {
    received = '';
    closed = false;
    private constructor(readonly socket: Socket) {
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => (this.received += text));
      socket.on('error', () => undefined);
      socket.once('close', () => (this.closed = true));
    }
    static async open(beginning: string): Promise<HalfOpen> {
      const { port } = app.nest.getHttpServer().address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      const one = new HalfOpen(socket);
      await once(socket, 'connect');
      socket.write(beginning);
      return one;
    }
  }

  it('are kept up to the limit, the oldest of more get 503, and all others are answered', async () => {
    const connections: HalfOpen[] = [];
    for (let n = 0; n < HALF_OPEN; n += 1)
      connections.push(await HalfOpen.open(BEGINNINGS[n % BEGINNINGS.length] as string));
    const ended = () => connections.filter(({ closed }) => closed);
    await until(() => ended().length >= HALF_OPEN - WAITING_LIMIT, { what: 'the oldest are ended' });
    for (const { received } of ended()) {
      expect(received).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\n/);
      expect(received).toMatch(/\r\nRetry-After: \d+\r\n/);
      expect(received).toContain('application/problem+json');
      expect(JSON.parse(received.split('\r\n\r\n')[1] as string)).toMatchObject({ status: 503 });
    }
    expect(connections.slice(-WAITING_LIMIT / 2).filter(({ closed }) => closed)).toEqual([]);
    expect(await probes()).toEqual([200, 200]);
    expect(await queuedTask()).toEqual(expect.any(String));
    // Those that are kept can still become requests.
    const last = connections.findLast((_, n) => n % BEGINNINGS.length === 1) as HalfOpen;
    last.socket.write('\r\n');
    await until(() => last.received.startsWith('HTTP/1.1 405'), { what: 'the request is answered' });
    for (const { socket } of connections) socket.destroy();
  });

  it('are no less limited after a first request each', async () => {
    const connections: HalfOpen[] = [];
    for (let n = 0; n < WAITING_LIMIT + 20; n += 1) {
      const one = await HalfOpen.open('GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
      await until(() => one.received.startsWith('HTTP/1.1 200'), { what: 'the request is answered' });
      connections.push(one);
    }
    await until(() => connections.filter(({ closed }) => closed).length >= 20, {
      what: 'the oldest are closed',
    });
    expect(await probes()).toEqual([200, 200]);
    for (const { socket } of connections) socket.destroy();
  });
});

describe('GET /health', () => {
  it('is refused to a foreign host, as everything but the probes', async () => {
    const statusOf = async (path: string): Promise<string> => {
      const { port } = app.nest.getHttpServer().address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n`);
      return (await socket.setEncoding('latin1').toArray()).join('').slice(9, 12);
    };
    expect([await statusOf('/health'), await statusOf('/executions')]).toEqual(['421', '421']);
    expect([await statusOf('/health/live'), await statusOf('/health/ready')]).toEqual(['200', '200']);
  });
});
