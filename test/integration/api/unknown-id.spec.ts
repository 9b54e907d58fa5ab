import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type Application, openApplication } from '../../support/application.js';
import { useRedis } from '../../support/servers/test-redis.js';

const JOBS = 200_000;
const AT_ONCE = 20_000;
const redis = useRedis();
let api: Application;

/** Jobs of a producer that names them by number, written as BullMQ has them; adding them one by one would take minutes. */
const FILL = `
local now = ARGV[3]
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('HSET', 'bull:bifrost-executions:' .. n, 'name', 'execute', 'timestamp', now,
    'data', '{"execution_id":"e-' .. n .. '","note":"' .. string.rep('x', 100) .. '"}', 'opts', '{}')
  redis.call('LPUSH', 'bull:bifrost-executions:wait', n)
end
`;

beforeAll(async () => {
  const client = redis.connect();
  for (let from = 1; from <= JOBS; from += AT_ONCE)
    await client.eval(FILL, 0, from, from + AT_ONCE - 1, Date.now());
  api = await openApplication(redis, { ROLES: 'api' });
});

const ask = async (id: string, method = 'GET') => {
  // Many clients name a content type also where they send no body.
  const headers = method === 'DELETE' ? { 'content-type': 'application/json' } : {};
  const answer = await fetch(`${api.url}/executions/${id}`, { method, headers });
  return { status: answer.status, body: (await answer.json()) as { detail?: string; status?: unknown } };
};

describe(`an id among ${JOBS} queued jobs`, () => {
  it.each(['GET', 'DELETE'])('%s of one that is not there says so', async (method) => {
    const { status, body } = await ask(`unknown-${randomUUID()}`, method);
    expect({ status, detail: body.detail }).toEqual({
      status: 404,
      detail: expect.stringMatching(/^There is no/),
    });
  });

  it('finds the one at the far end', async () => {
    expect((await ask('e-1')).body).toMatchObject({ status: 'queued' });
    expect((await ask('e-200000')).body).toMatchObject({ status: 'queued' });
  });
  it('finds one that a worker has taken and not begun', async () => {
    const client = redis.connect();
    const data = JSON.stringify({ taskId: 'taken', code: '1' });
    await client.hset('bull:bifrost-executions:taken-1', {
      name: 'task',
      timestamp: Date.now(),
      data,
      opts: '{}',
    });
    await client.lpush('bull:bifrost-executions:active', 'taken-1');
    expect(await ask('taken')).toMatchObject({ status: 200, body: { status: 'queued' } });
  });
});
