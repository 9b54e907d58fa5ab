import { expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { resultSettings } from '../../../src/config/slices.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { WaitingCallers } from '../../../src/results/clients/waiting-callers.js';
import { settingsOf } from '../../support/parts.js';
import { aResult } from '../../support/results.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const keys = new RedisKeys('');

function callersWith(changes: Record<string, string> = {}) {
  const client = redis.connect();
  const result = aResult({ execution_id: randomUUID(), result: 7 });
  const key = keys.waitedResult(result.execution_id);
  return {
    client,
    result,
    key,
    callers: new WaitingCallers(client, keys, resultSettings.of(settingsOf(changes))),
  };
}

it('a caller that waits already gets the result', async () => {
  const { client, result, key, callers } = callersWith();
  const waiting = redis.connect().blpop(key, 60);
  await callers.answer(result, true);
  expect(JSON.parse((await waiting)?.[1] ?? '')).toEqual({
    status: 'Success',
    result: 7,
    error: null,
    error_type: null,
    duration_ms: 13,
  });
  expect(await client.exists(key)).toBe(0);
});

it('a repeated answer adds no second entry, and it expires', async () => {
  const { client, result, key, callers } = callersWith();
  await callers.answer(result, true);
  await callers.answer(result, true);
  expect(await client.llen(key)).toBe(1);
  const ttl = await client.ttl(key);
  expect([ttl > 0, ttl <= 60]).toEqual([true, true]);
});

it.each([
  ['sync', false, 0],
  ['sync', true, 1],
  ['all', false, 1],
])('with RESULT_LIST=%s and sync %p there are %d entries', async (RESULT_LIST, sync, entries) => {
  const { client, result, key, callers } = callersWith({ RESULT_LIST });
  await callers.answer(result, sync);
  expect(await client.llen(key)).toBe(entries);
});
