import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import { text } from 'node:stream/consumers';
import { NETWORK_REFUSED, type NetworkTarget } from '../../boundary/network-protocol.js';
import { encodeFrame } from '../../boundary/multiplexing/frame-reader.js';
import type { MultiplexedStream } from '../../boundary/multiplexing/multiplexed-stream.js';
import { Multiplexer } from '../../boundary/multiplexing/multiplexer.js';
import { NetworkOutlet } from './network-outlet.js';
import { NetworkRefusal } from './network-rules.js';
import { until } from '../../../test/support/until.js';

const LIMITS = { connections: 4, transferBytes: 1e9, idleMs: 60_000 };

const nothing = { addresses: () => Promise.reject(new Error('no names here')) };

/** A runner's end and the worker's, over a pair of streams; everything but `refused` is connected to `port`. */
function aRunner(port = 0, limits: Partial<typeof LIMITS> = {}) {
  const [inside, outside] = duplexPair();
  const violations: string[] = [];
  const dialed: NetworkTarget[] = [];
  const dialer = {
    addresses: async (host: string): Promise<string[]> => {
      if (host === 'refused') throw new NetworkRefusal('host', 'refused is refused');
      if (host === 'nowhere') throw Object.assign(new Error(), { code: 'ENOTFOUND' });
      return ['192.0.2.1', '192.0.2.2'];
    },
    dial: async (
      target: NetworkTarget,
      _signal: AbortSignal,
      nameOf: (address: string) => string | undefined,
    ): Promise<Socket> => {
      dialed.push({ ...target, host: nameOf(target.host) ?? target.host });
      if (target.host === 'refused') throw new NetworkRefusal('host', 'refused is refused');
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      await once(socket, 'connect');
      return socket;
    },
  };
  const outlet = new NetworkOutlet(outside, { dialer, limits: { ...LIMITS, ...limits } }, (what) =>
    violations.push(what),
  );
  const client = new Multiplexer(inside, { onOpen: null, onViolation: () => undefined });
  const open = (host = 'there'): MultiplexedStream =>
    client.open(Buffer.from(JSON.stringify({ host, port: 80 })));
  return { outlet, client, open, inside, violations, dialed };
}

async function aServer(onConnection: (socket: Socket) => void): Promise<{ port: number; close(): void }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

const codeOf = async (stream: MultiplexedStream): Promise<unknown> => {
  const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
  return error.code;
};

beforeAll(() => Logger.overrideLogger(false));

describe('NetworkOutlet', () => {
  it('lets an execution reach what its organization may only, and counts what it had', async () => {
    const server = await aServer((socket) => socket.on('data', () => socket.end('12345')));
    const { outlet, open, dialed } = aRunner(server.port);
    outlet.narrow(['there:80', '*.below.example']);
    outlet.begin('e', 'proxy');
    for (const host of ['elsewhere', 'below.example', '203.0.113.7'])
      expect(await codeOf(open(host))).toBe(NETWORK_REFUSED);
    expect(dialed).toEqual([]);
    const stream = open('there');
    stream.write('123');
    expect(await text(stream)).toBe('12345');
    expect(outlet.transferredBytes).toBe(8);
    await outlet.settle();
    expect(outlet.transferredBytes).toBe(8);
    outlet.narrow(null);
    outlet.begin('f', 'proxy');
    expect(outlet.transferredBytes).toBe(0);
    const other = open('elsewhere');
    other.write('1');
    expect(await text(other)).toBe('12345');
    server.close();
  });

  it('carries what both sides say, also when one has ended before the other begins', async () => {
    const server = await aServer((socket) => {
      let asked = 0;
      socket.on('data', (chunk: Buffer) => (asked += chunk.length));
      socket.on('end', () => socket.end(`answer to ${asked}`));
    });
    const { outlet, open } = aRunner(server.port);
    outlet.begin('e', 'proxy');
    const streams = [open(), open()];
    for (const stream of streams) stream.end('x'.repeat(1_000_000));
    expect(await Promise.all(streams.map((stream) => text(stream)))).toEqual(
      Array(2).fill('answer to 1000000'),
    );
    server.close();
  });

  it('gives the code the reason of a refusal, and goes on', async () => {
    const server = await aServer((socket) => socket.end('fine'));
    const { outlet, open } = aRunner(server.port);
    outlet.begin('e', 'proxy');
    expect(await codeOf(open('refused'))).toBe(NETWORK_REFUSED);
    expect(await text(open())).toBe('fine');
    server.close();
  });

  it.each(['none', 'open'] as const)('connects nothing for an execution with network %s', async (network) => {
    const { outlet, open, dialed } = aRunner();
    outlet.begin('e', network);
    expect(await codeOf(open())).toBe(NETWORK_REFUSED);
    expect(dialed).toEqual([]);
  });

  it('says the addresses of a name, and knows them again for that execution', async () => {
    const server = await aServer((socket) => socket.end('fine'));
    const { outlet, client, open, dialed } = aRunner(server.port);
    const ask = (lookup: string): MultiplexedStream =>
      client.open(Buffer.from(JSON.stringify({ lookup }))).end();
    expect(await codeOf(ask('there'))).toBe(NETWORK_REFUSED);
    outlet.begin('e', 'proxy');
    expect(JSON.parse(await text(ask('there')))).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(await codeOf(ask('refused'))).toBe(NETWORK_REFUSED);
    const [error] = (await once(ask('nowhere'), 'error')) as [NodeJS.ErrnoException];
    expect(error).toMatchObject({ code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND nowhere' });
    expect(await text(open('192.0.2.2'))).toBe('fine');
    await outlet.settle();
    outlet.begin('f', 'proxy');
    expect(await text(open('192.0.2.2'))).toBe('fine');
    expect(dialed.map(({ host }) => host)).toEqual(['there', '192.0.2.2']);
    server.close();
  });

  it('connects nothing before an execution and after it', async () => {
    const { outlet, open, dialed } = aRunner();
    expect(await codeOf(open())).toBe(NETWORK_REFUSED);
    outlet.begin('e', 'proxy');
    await outlet.settle();
    expect(await codeOf(open())).toBe(NETWORK_REFUSED);
    expect(dialed).toEqual([]);
  });

  it('refuses more connections than the limit, and takes others when some have ended', async () => {
    const server = await aServer(() => undefined);
    const { outlet, open } = aRunner(server.port, { connections: 2 });
    outlet.begin('e', 'proxy');
    const streams = [open(), open()];
    await Promise.all(streams.map((stream) => once(stream, 'opened')));
    expect(await codeOf(open())).toBe(NETWORK_REFUSED);
    streams[0]?.destroy();
    await once(open(), 'opened');
    outlet.close();
    server.close();
  });

  it('ends connections beyond the transfer limit', async () => {
    const server = await aServer((socket) => socket.end(Buffer.alloc(100_000)));
    const { outlet, open } = aRunner(server.port, { transferBytes: 50_000 });
    outlet.begin('e', 'proxy');
    expect(await codeOf(open().resume())).toBe(NETWORK_REFUSED);
    server.close();
  });

  it('ends connections that are idle', async () => {
    const server = await aServer(() => undefined);
    const { outlet, open } = aRunner(server.port, { idleMs: 20 });
    outlet.begin('e', 'proxy');
    expect(await codeOf(open())).toBe('ETIMEDOUT');
    server.close();
  });

  it('ends the connections of an execution with it, on both sides', async () => {
    const ended: Promise<unknown>[] = [];
    const server = await aServer((socket) => {
      ended.push(once(socket.resume(), 'close'));
      socket.once('end', () => socket.end());
    });
    const { outlet, open, client } = aRunner(server.port);
    outlet.begin('e', 'proxy');
    const streams = [open(), open(), open()];
    await Promise.all(streams.map((stream) => once(stream, 'opened')));
    await until(() => ended.length === 3, { what: 'all are accepted' });
    await outlet.settle();
    await Promise.all(ended);
    expect([client.openStreams, streams.every(({ destroyed }) => destroyed)]).toEqual([0, true]);
    outlet.begin('next', 'proxy');
    await once(open(), 'opened');
    outlet.close();
    server.close();
  });

  it('holds no more unread data than a window', async () => {
    let taken = 0;
    const server = await aServer((socket) => {
      const chunk = Buffer.alloc(65_536);
      const write = (): void => {
        while (socket.writable && socket.write(chunk, () => (taken += chunk.length)));
        socket.once('drain', write);
      };
      write();
    });
    const { outlet, open } = aRunner(server.port);
    outlet.begin('e', 'proxy');
    const stream = open();
    await once(stream, 'opened');
    // What the kernel holds between the two sockets comes to some megabytes.
    const settled = async (): Promise<number> => {
      for (let before = -1; before !== taken;) {
        before = taken;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return taken;
    };
    expect(await settled()).toBeLessThan(20e6);
    expect(stream.readableLength).toBeLessThanOrEqual(262_144);
    outlet.close();
    server.close();
  });
});

describe('what no runner of ours sends', () => {
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const opening = encodeFrame('open', 1, Buffer.from('{"host":"there","port":80}'));

  it.each([
    ['an unknown type', Buffer.from([99])],
    ['another protocol', Buffer.from('CONNECT redis:6379 HTTP/1.1\r\n\r\n')],
    ['a frame of 4 GB', Buffer.from([3, 1, 0, 0, 0, 255, 255, 255, 255])],
    ['data of a stream that was not opened', encodeFrame('data', 1, Buffer.from('x'))],
    ['a stream out of order', encodeFrame('open', 7, Buffer.from('{}'))],
    ['a stream that is open already', Buffer.concat([opening, opening])],
    ['credit for nothing', Buffer.concat([opening, encodeFrame('credit', 1, number(1))])],
    ['credit of no number', Buffer.concat([opening, encodeFrame('credit', 1, Buffer.alloc(3))])],
    ['no credit', Buffer.concat([opening, encodeFrame('credit', 1, number(0))])],
    [
      'data after the end',
      Buffer.concat([opening, encodeFrame('end', 1), encodeFrame('data', 1, Buffer.from('x'))]),
    ],
    [
      'more than the window',
      Buffer.concat([
        opening,
        ...Array.from({ length: 5 }, () => encodeFrame('data', 1, Buffer.alloc(65_536))),
      ]),
    ],
    ['empty data', Buffer.concat([opening, encodeFrame('data', 1)])],
    ['a barrier that was not requested', encodeFrame('barrier', 1)],
    ['a failure that is no JSON', Buffer.concat([opening, encodeFrame('close', 1, Buffer.from('{'))])],
  ])('closes the channel: %s', async (_what, bytes) => {
    // Nothing of the stream is taken, so that what was sent stays counted.
    const never = new Promise<Socket>(() => undefined);
    const [inside, outside] = duplexPair();
    const violations: string[] = [];
    const services = { dialer: { ...nothing, dial: () => never }, limits: LIMITS };
    const outlet = new NetworkOutlet(outside, services, (what) => violations.push(what));
    outlet.begin('e', 'proxy');
    inside.on('error', () => undefined).resume();
    const closed = once(outside, 'close');
    // Byte by byte, too, it is the same.
    for (const byte of bytes.subarray(0, 40)) inside.write(Buffer.from([byte]));
    inside.write(bytes.subarray(40));
    await closed;
    expect(violations).toHaveLength(1);
  });

  it.each([
    '',
    'null',
    '[]',
    '{"host":1,"port":80}',
    '{"host":"a","port":0}',
    '{"host":"a","port":65536}',
    '{"host":"a","port":"80"}',
    `"${'x'.repeat(2000)}"`,
  ])('refuses to connect to %s', async (payload) => {
    const { outlet, client, dialed } = aRunner();
    outlet.begin('e', 'proxy');
    expect(await codeOf(client.open(Buffer.from(payload)))).toBe(NETWORK_REFUSED);
    expect(dialed).toEqual([]);
  });

  it('waits for no barrier once it is closed', async () => {
    const [inside, outside] = duplexPair();
    const services = {
      dialer: { ...nothing, dial: () => new Promise<Socket>(() => undefined) },
      limits: LIMITS,
    };
    const outlet = new NetworkOutlet(outside, services, () => undefined);
    outlet.begin('e', 'proxy');
    const settled = outlet.settle();
    inside.on('error', () => undefined).resume();
    outlet.close();
    await settled;
  });

  it('keeps no more answers for a runner that reads none than fit the channel', async () => {
    const [inside, outside] = duplexPair({ highWaterMark: 16_384 });
    const services = {
      dialer: { ...nothing, dial: () => new Promise<Socket>(() => undefined) },
      limits: LIMITS,
    };
    const outlet = new NetworkOutlet(outside, services, () => undefined);
    let sent = 0;
    const flood = (): void => {
      for (let more = true; more;) more = inside.write(encodeFrame('open', ++sent, Buffer.from('null')));
      inside.once('drain', flood);
    };
    flood();
    // The worker stops reading, so the flood stops by itself.
    for (let before = 0; before !== sent;) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(outside.writableLength).toBeLessThan(200_000);
    outlet.close();
  });
});
