import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

const MEMORY_GROWTH_MB = 100;

const doubling = (members: number): string =>
  `enum E { m0 = "xxxxxxxxxxxxxxxx", ${Array.from({ length: members }, (_, at) => `m${at + 1} = m${at} + m${at}`).join(', ')} }`;
const manyNames = `/*${'a'.repeat(60_000)}*/ var ${Array.from({ length: 150 }, (_, at) => 'a'.repeat(at + 1)).join(', ')}`;
const endless = `${'a ? (b, c) : d => '.repeat(30)}e`;

interface Poison {
  name: string;
  code: string;
  timeout: number;
  /** Any of these; undefined: it succeeds. */
  codes: (string | undefined)[];
}

const POISONS: Poison[] = [
  {
    name: 'a source that overflows the stack',
    code: `${'~'.repeat(450_000)}x`,
    timeout: 60,
    codes: ['COMPILE_LIMIT'],
  },
  { name: 'exponential parsing', code: endless, timeout: 1, codes: ['TIMED_OUT'] },
  {
    name: 'many type arguments',
    code: `${'f<'.repeat(4000)}1`,
    timeout: 1,
    codes: ['TIMED_OUT', 'USER_ERROR', 'COMPILE_LIMIT'],
  },
  {
    name: 'many brackets',
    code: `${'['.repeat(1e5)}${']'.repeat(1e5)}`,
    timeout: 1,
    codes: ['TIMED_OUT', 'USER_ERROR', 'COMPILE_LIMIT'],
  },
  { name: 'an enum that doubles', code: doubling(21), timeout: 60, codes: ['COMPILE_LIMIT'] },
  { name: 'an enum that doubles more often', code: doubling(30), timeout: 60, codes: ['COMPILE_LIMIT'] },
  { name: 'variables named alike beside a long comment', code: manyNames, timeout: 60, codes: [undefined] },
];

const residentMb = ({ pid }: WorkerProcess): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

const alive = async ({ url }: WorkerProcess): Promise<boolean> => (await fetch(`${url}/health/live`)).ok;

async function innocent(producer: Producer, marker: string): Promise<string | undefined> {
  const taskId = await producer.submitTask({
    taskId: randomUUID(),
    code: `const n: number = 1; console.log('${marker}')`,
  });
  const { status } = (await producer.taskResult(taskId)) as { status: string };
  return status;
}

describe('a worker of two slots', () => {
  let producer: Producer;
  let worker: WorkerProcess;

  beforeAll(async () => {
    producer = makeProducer();
    worker = await startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '2', ...REUSED_RUNNERS } });
    expect(await innocent(producer, 'before')).toBe('completed');
  });

  it.each(POISONS)('serves others beside $name', async ({ name, code, timeout, codes }) => {
    const before = residentMb(worker);
    const taskId = await producer.submitTask({ taskId: randomUUID(), code, timeout });
    const ended = (): boolean => producer.resultsOf(taskId).length > 0;
    for (let count = 0; count < 3 || !ended(); count += 1) {
      expect(await innocent(producer, `${name} ${count}`)).toBe('completed');
      expect(await alive(worker)).toBe(true);
    }
    const stored = await until(() => producer.storedResult(taskId), { what: 'its result' });
    expect(codes).toContain(stored.failure?.code);
    expect(stored.attempt).toBe(1);
    expect(producer.resultsOf(taskId)).toHaveLength(1);
    expect(residentMb(worker) - before).toBeLessThan(MEMORY_GROWTH_MB);
  });

  it.each([
    [
      '3,000 secrets that begin alike',
      Array.from({ length: 3_000 }, (_, at) => `aaaa${String(at).padStart(4, '0')}`),
      20_000,
    ],
    ['one long secret that repeats itself', ['a'.repeat(250)], 4_000_000],
  ])('serves others beside output and %s', async (name, values, chars) => {
    const before = residentMb(worker);
    const secrets = Object.fromEntries(values.map((value, at) => [`S${at}`, value]));
    const code = `export default () => { process.stdout.write('a'.repeat(${chars})); }`;
    const id = await producer.submitExecution(aContext({ workflow_code: code, secrets }));
    for (let count = 0; count < 3 || producer.resultsOf(id).length === 0; count += 1) {
      expect(await innocent(producer, `${name} ${count}`)).toBe('completed');
      expect(await alive(worker)).toBe(true);
    }
    expect(await producer.storedResult(id)).toMatchObject({ status: 'succeeded', attempt: 1 });
    expect(residentMb(worker) - before).toBeLessThan(MEMORY_GROWTH_MB);
  });

  it('keeps its compiler healthy', async () => {
    const health = (await (await fetch(`${worker.url}/health`)).json()) as { details: object };
    expect(health.details).toMatchObject({ compiler: { status: 'up' } });
  });

  it('frees the slot of code that is cancelled while it is compiled', async () => {
    const taskId = await producer.submitTask({ taskId: randomUUID(), code: `${endless}/**/`, timeout: 120 });
    await until(async () => (await producer.currentWorker(taskId)) !== null, { what: 'it has begun' });
    const answer = await fetch(`${worker.url}/executions/${taskId}`, { method: 'DELETE' });
    expect(answer.ok).toBe(true);
    await producer.taskResult(taskId);
    expect((await producer.storedResult(taskId))?.status).toBe('cancelled');
  });

  it('hands code back that is being compiled when it drains', async () => {
    const other = await startWorker({
      env: { REDIS_URL: redis.url, CONCURRENCY: '1', QUEUE_NAME: 'drained', DRAIN_TIMEOUT_SECONDS: '1' },
    });
    const own = makeProducer({ queueName: 'drained' });
    const taskId = await own.submitTask({ taskId: randomUUID(), code: `${endless}/* */`, timeout: 120 });
    await until(async () => (await own.currentWorker(taskId)) !== null, { what: 'it has begun' });
    expect(await other.stop()).toEqual({ code: 0, signal: null });
    expect(await own.queue.getWaitingCount()).toBe(1);
  });
});

it('spreads no poison: two workers serve every job after it', async () => {
  const producer = makeProducer({ queueName: 'spread' });
  const env = { REDIS_URL: redis.url, CONCURRENCY: '1', QUEUE_NAME: 'spread', ...REUSED_RUNNERS };
  const workers = await Promise.all([startWorker({ env }), startWorker({ env })]);
  const taskId = await producer.submitTask({ taskId: randomUUID(), code: `${'~'.repeat(450_001)}x` });
  await producer.taskResult(taskId);
  const stored = await until(() => producer.storedResult(taskId), { what: 'its result' });
  expect(stored).toMatchObject({ attempt: 1, failure: { code: 'COMPILE_LIMIT' } });
  const statuses = await Promise.all(
    Array.from({ length: 20 }, (_, at) => innocent(producer, `after the poison ${at}`)),
  );
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 'completed'));
  for (const worker of workers) expect(await alive(worker)).toBe(true);
});
