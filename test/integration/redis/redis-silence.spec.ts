import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { openRedis, type Patience, type RedisClient, untilReady } from '../../../src/redis/connections.js';
import { connectionStates, SILENCE_MS } from '../../../src/redis/silence-watch.js';
import { startTcpProxy, type TcpProxy } from '../../../src/faults/silent-proxy.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
let proxy: TcpProxy;
const clients: RedisClient[] = [];

function open(patience: Patience): Redis {
  const client = openRedis(`redis://127.0.0.1:${proxy.port}`, patience, `silence-${patience}`) as Redis;
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  proxy = await startTcpProxy(Number(new URL(redis.url).port));
});

afterAll(async () => {
  for (const client of clients) client.disconnect();
  await proxy.close();
});

describe('connections that fall silent without a word', () => {
  it('are replaced, each of its kind, and what was asked on them is answered', async () => {
    const [patient, impatient] = [open('patient'), open('impatient')];
    const [blocked, subscriber] = [patient.duplicate(), patient.duplicate()];
    clients.push(blocked, subscriber);
    for (const client of [blocked, subscriber]) client.on('error', () => undefined);
    const all = [patient, impatient, blocked, subscriber];
    const heard: string[] = [];
    subscriber.on('message', (_channel, text) => heard.push(text));
    await subscriber.subscribe('news');
    await Promise.all(all.map((client) => untilReady(client, 60_000)));
    const popped = blocked.blpop('list', 3);
    const before = all.map(({ stream }) => stream);

    proxy.silence();
    const counted = patient.incr('counter');
    await until(() => all.every(({ stream, status }, n) => status === 'ready' && stream !== before[n]), {
      what: 'all four connections are new ones',
    });

    expect(await counted).toBe(1);
    const other = redis.connect();
    await other.rpush('list', 'element');
    expect(await popped).toEqual(['list', 'element']);
    expect(await impatient.ping()).toBe('PONG');
    await until(async () => (await other.publish('news', 'back')) > 0 && heard.includes('back'), {
      what: 'the subscriber hears again',
    });
  });

  it('are not replaced while they are silent by design, or have nothing to say', async () => {
    const [idle, blocked] = [open('patient'), open('patient')];
    await Promise.all([untilReady(idle, 60_000), untilReady(blocked, 60_000)]);
    const before = [idle.stream, blocked.stream];
    // Longer than the watch allows to a command that does not block.
    expect(await blocked.blpop('empty', SILENCE_MS / 1_000 + 4)).toBeNull();
    expect([idle.stream, blocked.stream]).toEqual(before);
    expect(connectionStates().filter(({ name }) => name === 'silence-patient').length).toBeGreaterThan(1);
  });
});
