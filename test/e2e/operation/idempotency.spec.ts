import { beforeAll, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import type { RedisClient } from '../../../src/redis/connections.js';
import { sha256 } from '../../../src/lib/sha256.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const redis = useRedis();
const startWorker = useWorkers();
const keys = new RedisKeys('');
const REQUESTS = 50;
let doomed: WorkerProcess;
let survivor: WorkerProcess;
let client: RedisClient;
let queue: Queue;

beforeAll(async () => {
  client = redis.connect();
  queue = new Queue('bifrost-executions', { connection: redis.connect() });
  queue.on('error', () => undefined);
  redis.onDispose(() => queue.close());
  const env = { REDIS_URL: redis.url, ROLES: 'api' };
  [doomed, survivor] = await Promise.all([startWorker({ env }), startWorker({ env })]);
});

/** The answer, or null where the process ended before it came. */
async function post({ url }: WorkerProcess, key: string, body: object) {
  try {
    const response = await fetch(`${url}/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: await response.text() };
  } catch {
    return null;
  }
}

describe('fifty requests of one Idempotency-Key to two processes', () => {
  it('are one execution with equal answers, also when one of the two is killed in the middle', async () => {
    const key = randomUUID();
    const body = { workflow_code: 'console.log(1)', secrets: { token: 'x'.repeat(2_000) } };
    const before = await queue.getWaitingCount();
    const [ofDoomed, ofSurvivor] = [doomed, survivor].map((to) =>
      Array.from({ length: REQUESTS / 2 }, () => post(to, key, body)),
    ) as [ReturnType<typeof post>[], ReturnType<typeof post>[]];
    await until(() => client.exists(keys.idempotency(sha256(key))), { what: 'the first request has begun' });
    await doomed.kill9();
    const lost = await Promise.all(ofDoomed);
    const kept = await Promise.all(ofSurvivor);
    const answers = [...kept, ...lost.filter((answer) => answer !== null)];
    expect(kept).not.toContain(null);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]?.status).toBe(202);
    expect(await post(survivor, key, body)).toEqual(answers[0]);
    expect(await queue.getWaitingCount()).toBe(before + 1);
    const { execution_id: id } = JSON.parse(answers[0]!.body) as { execution_id: string };
    expect(await queue.getJob(id)).toBeDefined();
  });
});
