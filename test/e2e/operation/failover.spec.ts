import { describe, expect, it } from '@jest/globals';
import { RedisKeys } from '../../../src/redis/keys.js';
import { aContext, aTask } from '../../support/builders.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis({ persistent: true });
const makeProducer = useProducers(redis);
const startWorker = useWorkers('each test');

const worker = (queue: string, id: string): Promise<WorkerProcess> =>
  startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: queue, CONCURRENCY: '4' }, args: ['--id', id] });

/** Sleeps only in its first attempt, so that the second is quick. */
const slowAtFirst = (ms: number) =>
  aContext({
    workflow_code: `export default async function run(_, context) {
      console.log('pid', process.pid);
      if (context.attempt === 1) await new Promise((r) => setTimeout(r, ${ms}));
      return context.attempt;
    }`,
    timeout_seconds: 900,
  });

const runnersOf = async (one: WorkerProcess, id: string): Promise<number[]> => {
  const { workers } = (await (await fetch(`${one.url}/workers`)).json()) as {
    workers: { id: string; runners: { pid: number }[] }[];
  };
  return workers.find((each) => each.id === id)?.runners.map((runner) => runner.pid) ?? [];
};

const untilActive = (producer: Producer, count: number): Promise<unknown> =>
  until(async () => (await producer.queue.getActiveCount()) === count, { what: `${count} jobs are active` });

describe('several workers', () => {
  it('share the work, are all listed, and one that dies disappears', async () => {
    const producer = makeProducer({ queueName: 'spread' });
    const [w1, w2] = await Promise.all([
      worker('spread', 'w1'),
      worker('spread', 'w2'),
      worker('spread', 'w3'),
    ]);
    // As many as all three can run at once: they only all run when each worker takes its share.
    const ids = await Promise.all(
      Array.from({ length: 12 }, () =>
        producer.submitTask(
          aTask({ code: 'await new Promise(() => setInterval(() => {}, 1000))', timeout: 300 }),
        ),
      ),
    );
    await untilActive(producer, 12);
    for (const execution_id of ids)
      await redis.connect().publish('bifrost:cancel', JSON.stringify({ execution_id }));
    const results = await Promise.all(ids.map((id) => producer.taskResult(id)));
    expect(new Set(results.map((result) => result.workerId))).toEqual(new Set(['w1', 'w2', 'w3']));
    expect(ids.every((id) => producer.resultsOf(id).length === 1)).toBe(true);

    const listed = async (): Promise<string[]> =>
      ((await (await fetch(`${w1.url}/workers`)).json()) as { workers: { id: string }[] }).workers.map(
        (one) => one.id,
      );
    expect(await listed()).toEqual(['w1', 'w2', 'w3']);
    const orphans = await runnersOf(w1, 'w2');
    await w2.kill9();
    await until(() => orphans.every((pid) => !isAlive(pid)), {
      what: 'the runners of the dead worker are gone',
    });
    await until(async () => (await listed()).join() === 'w1,w3', {
      what: 'the dead worker is no longer listed',
    });
  });
});

describe('a worker that is killed', () => {
  it('has its executions finished by another, one result each, those that were cancelled too', async () => {
    const producer = makeProducer({ queueName: 'killed' });
    const first = await worker('killed', 'first');
    const ids = await Promise.all(
      Array.from({ length: 3 }, () => producer.submitExecution(slowAtFirst(600_000))),
    );
    const cancelled = await producer.submitExecution(slowAtFirst(600_000));
    await until(async () => (await producer.currentWorker(cancelled)) === 'first', { what: 'all are begun' });
    await untilActive(producer, 4);
    await worker('killed', 'second');
    const askedAt = new Date().toISOString();
    await redis.connect().hset(new RedisKeys('').ledger(cancelled), 'cancel_asked_at', askedAt);
    await first.kill9();
    const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
    expect(results.map((result) => [result.result, result.attempt, result.worker_id])).toEqual(
      Array(3).fill([2, 2, 'second']),
    );
    expect(await producer.executionResult(cancelled)).toMatchObject({
      status: 'cancelled',
      attempt: 1,
      cancellation: { asked_at: askedAt, ended: 'not started again' },
    });
    expect([...ids, cancelled].every((id) => producer.resultsOf(id).length === 1)).toBe(true);
  });

  it('by the same execution twice ends that with STALLED_OUT', async () => {
    const producer = makeProducer({ queueName: 'deadly' });
    const id = await producer.submitExecution(
      aContext({
        workflow_code: 'export default () => new Promise(() => setInterval(() => {}, 1000))',
        timeout_seconds: 300,
      }),
    );
    for (const name of ['first', 'second']) {
      const victim = await worker('deadly', name);
      await until(async () => (await producer.currentWorker(id)) === name, {
        what: `${name} runs it`,
      });
      await victim.kill9();
    }
    await worker('deadly', 'third');
    const result = await producer.executionResult(id);
    expect(result).toMatchObject({ success: false, failure: { code: 'STALLED_OUT' }, attempt: 2 });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });
});

describe('an outage of Redis', () => {
  it('longer than every lock runs nothing twice and loses nothing', async () => {
    const producer = makeProducer({ queueName: 'outage' });
    const [one] = await Promise.all([worker('outage', 'one'), worker('outage', 'two')]);
    const ids = await Promise.all(
      Array.from({ length: 12 }, (_, n) => producer.submitExecution(slowAtFirst(n < 4 ? 22_000 : 2_000))),
    );
    await untilActive(producer, 8);
    await redis.stop();
    await until(async () => (await fetch(`${one.url}/health/ready`)).status === 503, {
      what: 'ready turns 503',
    });
    const down = performance.now();
    // The outage itself, not a wait for something: longer than lock and lease (10 s).
    await until(() => performance.now() - down > 14_000, { what: 'time passes' });
    expect((await fetch(`${one.url}/health/live`)).status).toBe(200);
    await redis.start();
    await until(async () => (await fetch(`${one.url}/health/ready`)).status === 200, {
      what: 'the worker recovers by itself',
    });
    const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
    expect(results.map((result) => [result.success, result.attempt])).toEqual(Array(12).fill([true, 1]));
    expect(ids.every((id) => producer.resultsOf(id).length === 1)).toBe(true);
  });
});
