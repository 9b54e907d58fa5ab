import { describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { GatheredScript } from '../../../src/redis/gathered-script.js';
import { JSON_REPLY, LuaScript } from '../../../src/redis/lua-script.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const ADD = new GatheredScript(
  `if ARGV[2] == 'nothing' then return false end
   return {redis.call('INCRBY', KEYS[1], ARGV[1]), redis.call('GET', KEYS[2]), ARGV[2]}`,
  { keys: 2, args: 2 },
);

/** Commands so far that ran a script. */
async function scriptsRun(client: RedisClient): Promise<number> {
  const statistics = await client.info('commandstats');
  const counts = [...statistics.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) =>
    Number(count),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

describe('a script', () => {
  const ECHO = new LuaScript('return {KEYS[1], unpack(ARGV)}');

  it.each<[string, (string | number)[]]>([
    ['plain texts', ['a', '', 'two\r\nlines', '$3\r\nabc', ' ']],
    ['numbers', [0, -1, 1.5, 1_795_931_225_283, Number.MAX_SAFE_INTEGER]],
    ['texts beyond ASCII', ['plain', 'grüße', '日本', '😀', 'é']],
    ['no text at all', []],
    ['a large text', ['x'.repeat(1_000_000), 'y']],
  ])('is given %s as they are', async (_what, args) => {
    const client = redis.connect();
    for (const _known of [false, true])
      expect(await ECHO.run(client, ['key:ü'], args)).toEqual(['key:ü', ...args.map(String)]);
    expect(await ECHO.run(client, ['key'], args)).toEqual(['key', ...args.map(String)]);
  });

  it('is given bytes', async () => {
    const bytes = Buffer.from([0, 255, 13, 10]);
    const length = new LuaScript('return {#ARGV[1], #ARGV[2]}');
    expect(await length.run(redis.connect(), [], [bytes, 'ab'])).toEqual([4, 2]);
  });
});

describe('a gathered script', () => {
  it('runs the calls of one turn as one command, each with its own keys, arguments and reply', async () => {
    const client = redis.connect();
    const key = randomUUID();
    const before = await scriptsRun(client);
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        ADD.run(client, [`${key}:${n % 2}`, `${key}:0`], [n, `call ${n}`]),
      ),
    );
    expect(replies.slice(0, 4)).toEqual([
      [0, '0', 'call 0'],
      [1, '0', 'call 1'],
      [2, '2', 'call 2'],
      [4, '2', 'call 3'],
    ]);
    expect(replies).toHaveLength(40);
    expect(await client.mget(`${key}:0`, `${key}:1`)).toEqual(['380', '400']);
    // 32 at most go together; a server that does not know a script is sent it once more.
    expect((await scriptsRun(client)) - before).toBeLessThanOrEqual(4);
    expect(await ADD.run(client, [`${key}:0`, `${key}:1`], [1, 'alone'])).toEqual([381, '400', 'alone']);
  });

  it('sends large calls by themselves', async () => {
    const client = redis.connect();
    const keys = [`${randomUUID()}:n`, 'none'];
    // Known to the server: from here on each command is counted once.
    await ADD.run(client, keys, [0, 'first']);
    await Promise.all([ADD.run(client, keys, [0, 'a']), ADD.run(client, keys, [0, 'b'])]);
    const before = await scriptsRun(client);
    const large = 'x'.repeat(600_000);
    const replies = await Promise.all([1, 2, 3].map((n) => ADD.run(client, keys, [n, large])));
    expect(replies).toEqual([
      [1, null, large],
      [3, null, large],
      [6, null, large],
    ]);
    expect((await scriptsRun(client)) - before).toBe(3);
  });

  it('lets one call fail and runs the others, and returns an empty reply', async () => {
    const client = redis.connect();
    const key = randomUUID();
    await client.set(`${key}:text`, 'no number');
    const [good, bad, empty, last] = await Promise.allSettled([
      ADD.run(client, [`${key}:n`, `${key}:n`], [1, 'a']),
      ADD.run(client, [`${key}:text`, `${key}:n`], [1, 'b']),
      ADD.run(client, [`${key}:n`, `${key}:n`], [1, 'nothing']),
      ADD.run(client, [`${key}:n`, `${key}:n`], [1, 'c']),
    ]);
    expect(good).toMatchObject({ value: [1, '1', 'a'] });
    expect(bad).toMatchObject({ reason: { message: expect.stringContaining('not an integer') } });
    expect(empty).toMatchObject({ value: null });
    expect(last).toMatchObject({ value: [2, '2', 'c'] });
  });

  it('refuses a call of another shape', () => {
    expect(() => ADD.run(redis.connect(), ['one'], [1, 'a'])).toThrow(RangeError);
  });
});

describe('a script that replies with JSON', () => {
  it.each([
    [
      'texts of any length',
      `{'', 'ä€😀', string.rep('x', 40), string.rep('y', 300), string.rep('z', 70000)}`,
    ],
    ['whole and broken numbers', `{0, -7, 1795902933223, 4.9, -4.9, 300 / 4096}`],
    ['nothing and yes', `{false, 'between', true, {false, {false}}}`],
    ['lists in lists', `{'ended', {{'name', 'n', 'data', '{"a":"\\n"}'}, 'id', 0, 0}, {}}`],
    ['what Redis answers', `{redis.call('HGETALL', KEYS[1]), redis.call('HMGET', KEYS[1], 'a', 'none')}`],
  ])('replies with %s as it would without', async (_what, value) => {
    const client = redis.connect();
    const key = randomUUID();
    await client.hset(key, { a: '1', b: 'two' });
    const plain = new LuaScript(`return ${value}`);
    const asJson = new LuaScript(`${JSON_REPLY} return jsonReply(${value})`);
    const expected = await plain.run(client, [key], []);
    expect(await asJson.runForJson(client, [key], [])).toEqual(expected);
    // Known to the server by now.
    expect(await asJson.runForJson(client, [key], [])).toEqual(expected);
  });

  it.each([
    [16_384, 'string'],
    [16_385, 'object'],
  ])('does so up to 16 KiB of text: %i bytes are an %s', async (bytes, type) => {
    const halves = `{string.rep('a', 10000), {false, {string.rep('\\1', ${bytes - 10_000})}}}`;
    const script = new LuaScript(`${JSON_REPLY} return jsonReply(${halves})`);
    expect(typeof (await script.run(redis.connect(), [], []))).toBe(type);
    expect(await script.runForJson(redis.connect(), [], [])).toEqual([
      'a'.repeat(10_000),
      [null, ['\u0001'.repeat(bytes - 10_000)]],
    ]);
  });

  it('fails as it would without', async () => {
    const script = new LuaScript(`${JSON_REPLY} redis.call('HGET', 'only a name') return jsonReply({1})`);
    await expect(script.runForJson(redis.connect(), [], [])).rejects.toThrow('number of args');
  });
});
