import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Listing } from '../../../src/contract/api/listing.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const keys = new RedisKeys('');
const TYPES = ['hash', 'list', 'set', 'zset', 'stream'] as const;
let producer: Producer;
let worker: WorkerProcess;
let client: RedisClient;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  worker = await startWorker({
    // Fewer places than there are such jobs: none of them may keep its place.
    env: { REDIS_URL: redis.url, CONCURRENCY: '2', SEARCH_PARAMETERS: 'true', ...REUSED_RUNNERS },
    args: ['--id', 'w1'],
  });
});

/** What a producer does that keeps its contexts in another way than the contract says. */
async function writeAs(type: (typeof TYPES)[number], key: string): Promise<void> {
  if (type === 'hash') await client.hset(key, 'workflow_code', '1');
  else if (type === 'list') await client.rpush(key, '{}');
  else if (type === 'set') await client.sadd(key, '{}');
  else if (type === 'zset') await client.zadd(key, 1, '{}');
  else await client.xadd(key, '*', 'workflow_code', '1');
}

const ask = (path: string, method = 'GET'): Promise<Response> => fetch(`${worker.url}${path}`, { method });

describe('a context that is no text', () => {
  it('ends each with INVALID_JOB that names the key, and holds nobody up', async () => {
    for (const type of TYPES) {
      await writeAs(type, keys.context(`as-${type}`));
      await producer.submitRaw({ execution_id: `as-${type}` });
    }
    for (const type of TYPES) {
      expect(await producer.executionResult(`as-${type}`)).toMatchObject({
        failure: { code: 'INVALID_JOB', evidence: { field: 'context' } },
        error: expect.stringContaining(`bifrost:exec:as-${type}:context holds no text`),
      });
    }
    const other = await producer.submitExecution(aContext({ workflow_code: 'export default () => 7' }));
    expect(await producer.executionResult(other)).toMatchObject({ success: true, result: 7 });
  });

  it('is listed and shown while it waits, and can be cancelled', async () => {
    await producer.queue.pause();
    await writeAs('hash', keys.context('waits'));
    await producer.submitRaw({ execution_id: 'waits' });
    for (const query of ['', '?text=waits', '?status=queued']) {
      const response = await ask(`/executions${query}`);
      expect(response.status).toBe(200);
      expect((await response.json()) as Listing).toMatchObject({
        executions: expect.arrayContaining([
          expect.objectContaining({ execution_id: 'waits', status: 'queued' }),
        ]),
      });
    }
    expect((await ask('/executions/waits')).status).toBe(200);
    expect((await ask('/executions/waits/input')).status).toBe(404);
    expect((await ask('/executions/waits?wait=30', 'DELETE')).status).toBe(200);
    expect(await producer.executionResult('waits')).toMatchObject({ status: 'cancelled' });
    await producer.queue.resume();
  });
});

describe('a result queue that is none', () => {
  interface Health {
    status: string;
    details: { result_queue: { status: string; reason?: string } };
  }
  const health = async (): Promise<Health> => (await ask('/health')).json() as Promise<Health>;

  it('holds results back, which health says once they hold every place, and all go out when it is one again', async () => {
    const { queue } = producer;
    // What BullMQ asks first for a job that is added: nothing is half-written then.
    const counter = `${queue.opts.prefix ?? 'bull'}:${queue.name}-results:id`;
    await client.del(counter);
    await client.rpush(counter, 'of another program');
    const ids = await Promise.all(
      [1, 2, 3].map((n) =>
        producer.submitExecution(aContext({ workflow_code: `export default () => ${n}` })),
      ),
    );
    const seen = await until(
      async () => {
        const { result_queue: found } = (await health()).details;
        return found.status === 'down' && found;
      },
      { what: 'health says that results cannot be delivered' },
    );
    expect(seen.reason).toMatch(
      /^Redis has refused 2 results of this worker, which hold their places, for up to \d+ s: .*WRONGTYPE/,
    );
    await client.del(counter);
    for (const [index, id] of ids.entries())
      expect(await producer.executionResult(id)).toMatchObject({ success: true, result: index + 1 });
    await until(async () => (await health()).details.result_queue.status === 'up', {
      what: 'it is well again',
    });
  });
});
