import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { untilReady } from '../../../src/redis/connections.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
const IMMEDIATELY_MS = 1;
const LONG_MS = 60_000;

describe('a patient connection', () => {
  it('sends again what had no answer when it was lost, also what was written together with what had one', async () => {
    const [client, other] = [redis.connect() as Redis, redis.connect() as Redis];
    await untilReady(client, LONG_MS);
    const [id, key] = [await client.client('ID'), randomUUID()];
    const together = Promise.all([
      client.incr(`${key}:counter`),
      client.blpop(`${key}:list`, 0),
      client.set(`${key}:text`, 'written'),
    ]);
    const blocked = async (): Promise<boolean> =>
      / flags=b /.test((await other.call('CLIENT', 'LIST', 'ID', id)) as string);
    await until(blocked, { what: 'the second command waits, the first is done' });
    await other.client('KILL', 'ID', id);
    await other.rpush(`${key}:list`, 'element');
    expect(await together).toEqual([1, [`${key}:list`, 'element'], 'OK']);
    expect(await other.mget(`${key}:counter`, `${key}:text`)).toEqual(['1', 'written']);
  });
});

describe('waiting for a connection', () => {
  it('ends when it is open, and at once where it is', async () => {
    const client = redis.connect('impatient');
    await untilReady(client, LONG_MS);
    expect(client.status).toBe('ready');
    await untilReady(client, IMMEDIATELY_MS);
  });

  it('ends with the error of the connection, or at the limit, and leaves no listener', async () => {
    await redis.stop();
    const client = redis.connect('impatient');
    const listeners = (): number[] => ['ready', 'error'].map((event) => client.listenerCount(event));
    const before = listeners();
    await expect(untilReady(client, LONG_MS)).rejects.toThrow('ECONNREFUSED');
    client.disconnect();
    await expect(untilReady(client, IMMEDIATELY_MS)).rejects.toThrow('no answer in time');
    expect(listeners()).toEqual(before);
    await redis.start();
  });
});
