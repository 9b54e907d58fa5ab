import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { RedisClient } from '../../../src/redis/connections.js';
import { asJson, asText, RedisSubscription } from '../../../src/redis/redis-subscription.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();

interface LogLine {
  msg: string;
  reason: string;
  text?: string;
}

/** A subscription that is stopped with the suite, what it received, and what it logged. */
function subscriptionTo<Message>(
  channels: readonly string[],
  decode: (text: string) => Message,
  more: { client?: RedisClient; onOpen?: () => void; fails?: boolean } = {},
) {
  const { client = redis.connect(), fails = false, ...options } = more;
  const received: [Message, string][] = [];
  const logged: LogLine[] = [];
  const log = (line: unknown): number => logged.push(line as LogLine);
  const subscription = new RedisSubscription(
    client,
    { warn: log, error: log },
    {
      name: 'message',
      channels,
      decode,
      receive: async (message, channel) => {
        received.push([message, channel]);
        if (fails) await Promise.reject(new Error('of the receiver'));
      },
      refusal: 'nothing is received',
      ...options,
    },
  );
  redis.onDispose(() => subscription.stop());
  return { subscription, received, logged };
}

describe('a subscription', () => {
  it('receives every message that is sent once it has started, and none once it is stopped', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    const { subscription, received, logged } = subscriptionTo([a, b], asText);
    const sender = redis.connect();
    await subscription.start();
    expect(await sender.publish(a, '1')).toBe(1);
    expect(await sender.publish(b, '2')).toBe(1);
    await until(() => received.length === 2, { what: 'both are received' });
    subscription.stop();
    await until(async () => (await sender.publish(a, '3')) === 0, { what: 'the connection is closed' });
    expect(received).toEqual([
      ['1', a],
      ['2', b],
    ]);
    expect(logged).toEqual([]);
  });

  it('starts again after a stop, and with the first channel that is added', async () => {
    const channel = randomUUID();
    const { subscription, received } = subscriptionTo([], asText);
    const sender = redis.connect();
    await subscription.add(channel);
    await sender.publish(channel, '1');
    await until(() => received.length === 1, { what: 'it is received' });
    subscription.stop();
    await subscription.start();
    await sender.publish(channel, '2');
    await until(() => received.length === 2, { what: 'it is received' });
    const more = randomUUID();
    await subscription.add(more);
    expect(await sender.publish(more, '3')).toBe(1);
    subscription.remove(channel);
    await until(async () => (await sender.publish(channel, '4')) === 0, { what: 'one is removed' });
    expect(await sender.publish(more, '5')).toBe(1);
  });

  it('subscribes again after a loss of the connection, and says that it is open again', async () => {
    const channel = randomUUID();
    let opened = 0;
    const { subscription, received } = subscriptionTo([channel], asText, { onOpen: () => (opened += 1) });
    const sender = redis.connect();
    await subscription.start();
    expect(opened).toBe(1);
    await sender.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await until(() => opened === 2, { what: 'it is open again' });
    await until(async () => (await sender.publish(channel, 'x')) === 1, { what: 'it is subscribed again' });
    await until(() => received.length === 1, { what: 'it is received' });
  });

  it('ignores what cannot be read, and says which field is wrong but nothing of the text', async () => {
    const channel = randomUUID();
    const decode = asJson(z.object({ n: z.number() }));
    const { subscription, received, logged } = subscriptionTo([channel], decode);
    await subscription.start();
    const sender = redis.connect();
    for (const text of ['no JSON', '{"n":"1"}', '{"n":1}']) await sender.publish(channel, text);
    await until(() => received.length === 1, { what: 'the last one is received' });
    expect(received).toEqual([[{ n: 1 }, channel]]);
    expect(logged).toEqual([
      { msg: 'message ignored', reason: expect.stringMatching(/^message: /) },
      { msg: 'message ignored', reason: expect.stringMatching(/^n: /) },
    ]);
  });

  it('logs an error of the receiver and goes on', async () => {
    const channel = randomUUID();
    const { subscription, received, logged } = subscriptionTo([channel], asText, { fails: true });
    await subscription.start();
    const sender = redis.connect();
    await sender.publish(channel, '1');
    await sender.publish(channel, '2');
    await until(() => logged.length === 2, { what: 'both errors are logged' });
    expect(received).toHaveLength(2);
    expect(logged[0]).toEqual({ msg: 'message failed', reason: 'of the receiver' });
  });

  it('resolves and says so once where Redis does not let it subscribe', async () => {
    const admin = redis.connect();
    await admin.call('ACL', 'SETUSER', 'mute', 'on', 'nopass', '~*', '+@all', 'resetchannels');
    const client = (redis.connect() as { duplicate(options: object): RedisClient }).duplicate({
      username: 'mute',
      password: 'any',
    });
    client.on('error', () => undefined);
    redis.onDispose(() => client.disconnect());
    const { subscription, logged } = subscriptionTo([randomUUID()], asText, { client });
    await subscription.start();
    await subscription.add(randomUUID());
    expect(logged).toEqual([{ msg: 'nothing is received', reason: expect.stringContaining('NOPERM') }]);
  });
});
