import { describe, expect, it } from '@jest/globals';
import { aContext } from '../../support/builders.js';
import { untilGone } from '../../support/processes/processes.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers('each test');

/** How long what runs goes on: longer than it takes to see that it does and that its worker drains. */
const DRAINING_MS = 6_000;

const worker = (
  queue: string,
  id: string,
  env: Readonly<Record<string, string>> = {},
): Promise<WorkerProcess> =>
  startWorker({
    env: { REDIS_URL: redis.url, QUEUE_NAME: queue, CONCURRENCY: '4', ...env },
    args: ['--id', id],
  });

const sleeper = (ms: number) =>
  aContext({
    workflow_code: `export default async function run() { console.log(process.pid); await new Promise((r) => setTimeout(r, ${ms})); return 'done'; }`,
    timeout_seconds: 600,
  });

const submitMany = (producer: Producer, count: number, ms: number): Promise<string[]> =>
  Promise.all(Array.from({ length: count }, () => producer.submitExecution(sleeper(ms))));

const untilRunning = (producer: Producer, count: number): Promise<unknown> =>
  until(async () => (await producer.queue.getActiveCount()) === count, { what: `${count} jobs are active` });

const readiness = async (url: string): Promise<number> => (await fetch(`${url}/health/ready`)).status;

describe('SIGTERM', () => {
  it('lets what runs finish, starts nothing more and leaves the rest to others', async () => {
    const producer = makeProducer({ queueName: 'drain' });
    const first = await worker('drain', 'first');
    const ids = await submitMany(producer, 104, DRAINING_MS);
    await untilRunning(producer, 4);
    const running = new Set((await producer.queue.getActive()).map((job) => job.data.execution_id as string));

    const exited = first.stop('SIGTERM');
    await until(async () => (await readiness(first.url)) === 503, {
      what: 'ready turns 503',
    });
    expect(await exited).toEqual({ code: 0, signal: null });
    const done = await Promise.all([...running].map((id) => producer.executionResult(id)));
    expect(done.map((result) => [result.success, result.worker_id])).toEqual(Array(4).fill([true, 'first']));
    expect(producer.received).toHaveLength(4);

    // The other hundred are quick ones for the second worker: the same ids, new contexts.
    const rest = ids.filter((id) => !running.has(id));
    await Promise.all(rest.map((id) => producer.replaceContext(id, sleeper(0))));
    await worker('drain', 'second', REUSED_RUNNERS);
    const results = await Promise.all(rest.map((id) => producer.executionResult(id)));
    expect(
      results.every((result) => result.success && result.worker_id === 'second' && result.attempt === 1),
    ).toBe(true);
    expect(ids.every((id) => producer.resultsOf(id).length === 1)).toBe(true);
  });

  it('hands back at the deadline without counting the attempt', async () => {
    const producer = makeProducer({ queueName: 'deadline' });
    const first = await worker('deadline', 'first', { DRAIN_TIMEOUT_SECONDS: '1' });
    const [id] = (await submitMany(producer, 1, 300_000)) as [string];
    await untilRunning(producer, 1);
    const runner = await until(
      async () => (await recordOf(first)).runners.find((each) => each.current.length > 0),
      { what: 'the running runner is in the record' },
    );
    expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await untilGone(runner.pid);
    expect(await producer.queue.getWaitingCount()).toBe(1);

    await producer.replaceContext(id, sleeper(0));
    await worker('deadline', 'second');
    expect(await producer.executionResult(id)).toMatchObject({
      success: true,
      worker_id: 'second',
      attempt: 1,
    });
  });

  it('given twice hands back at once', async () => {
    const producer = makeProducer({ queueName: 'twice' });
    const only = await worker('twice', 'only', { DRAIN_TIMEOUT_SECONDS: '60' });
    await submitMany(producer, 1, 300_000);
    await untilRunning(producer, 1);
    const exited = only.stop('SIGTERM');
    await until(async () => (await readiness(only.url)) === 503, { what: 'ready turns 503' });
    const again = setInterval(() => only.running && process.kill(only.pid, 'SIGTERM'), 300);
    expect(await exited).toEqual({ code: 0, signal: null });
    clearInterval(again);
    expect(await producer.queue.getWaitingCount()).toBe(1);
  });

  it('ends the process also while Redis is away', async () => {
    const lost = await worker('lost', 'lost', { DRAIN_TIMEOUT_SECONDS: '2' });
    await redis.stop();
    try {
      await until(async () => (await readiness(lost.url)) === 503, { what: 'ready turns 503' });
      expect((await fetch(`${lost.url}/health/live`)).status).toBe(200);
      expect((await lost.stop('SIGTERM')).code).toBe(0);
    } finally {
      await redis.start();
    }
  });
});

interface RecordView {
  runners: { pid: number; current: unknown[] }[];
}

async function recordOf(one: WorkerProcess): Promise<RecordView> {
  const { workers } = (await (await fetch(`${one.url}/workers`)).json()) as {
    workers: (RecordView & { id: string })[];
  };
  return workers[0] as RecordView;
}
