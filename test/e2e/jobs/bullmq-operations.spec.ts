import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { RedisClient } from '../../../src/redis/connections.js';
import { Jobs } from '../../support/jobs.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRunGauge } from '../../support/fairness/run-gauge.js';
import { aContext } from '../../support/builders.js';
import { useStartCounter } from '../../support/start-counter.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const starts = useStartCounter();
const gauge = useRunGauge();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let jobs: Jobs;
let client: RedisClient;
let worker: WorkerProcess;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  jobs = new Jobs(producer, client, starts);
  const env = { REDIS_URL: redis.url, CONCURRENCY: '2', ...starts.settings };
  worker = await startWorker({ env, args: ['--id', 'w1'] });
});

beforeEach(async () => {
  await producer.queue.resume();
  await producer.queue.drain(true);
});

const HOUR_MS = 3_600_000;
const view = async (id: string) => (await fetch(`${worker.url}/executions/${id}`)).json() as Promise<object>;
/** Ids in the order in which they began. */
const order = (ids: string[]): Promise<string[]> =>
  until(() => ids.every((id) => starts.of(id) > 0), { what: 'all have begun' }).then(() =>
    starts.names.filter((name) => ids.includes(name)),
  );
/** Code that runs until an execution of this id is known to the API. */
const runsUntil = (id: string): string => `
  while (!(await fetch(${JSON.stringify(worker.url)} + '/executions/${id}')).ok)
    await new Promise((resolve) => setTimeout(resolve, 20));
  return 1;`;

describe('options of a job', () => {
  it('delay: begins no sooner', async () => {
    const { id, job } = await jobs.submit('', { delay: 300 });
    const { started_at } = await jobs.ended(id);
    expect(Date.parse(started_at)).toBeGreaterThanOrEqual(job.timestamp + 300);
  });

  it('priority and lifo: decide which begins first', async () => {
    await producer.queue.setGlobalConcurrency(1);
    await producer.queue.pause();
    const plain = [await jobs.submit(''), await jobs.submit('')];
    const low = await jobs.submit('', { priority: 9 });
    const high = await jobs.submit('', { priority: 1 });
    const last = await jobs.submit('', { lifo: true });
    await producer.queue.resume();
    const wanted = [last, ...plain, high, low].map(({ id }) => id);
    expect(await order(wanted)).toEqual(wanted);
    await Promise.all(wanted.map((id) => jobs.ended(id)));
    await producer.queue.removeGlobalConcurrency();
  });

  it.each<[JobsOptions]>([[{ removeOnComplete: true }], [{ removeOnComplete: 0 }]])(
    'removeOnComplete: %j leaves the result, and no job',
    async (options) => {
      const { id, job } = await jobs.submit('return 1;', options);
      await jobs.ended(id);
      await jobs.reaches(job, 'unknown');
      expect(await view(id)).toMatchObject({ status: 'succeeded', result: 1 });
    },
  );

  it('removeOnFail: leaves the result, and no job', async () => {
    const { id, job } = await jobs.submit('throw 1;', { removeOnFail: true });
    await jobs.ended(id);
    await jobs.reaches(job, 'unknown');
    expect(await view(id)).toMatchObject({ status: 'failed' });
  });

  it('keepLogs and stackTraceLimit: bound what the job keeps, not the result', async () => {
    const { id, job } = await jobs.submit(`throw new Error('no ' + context.attempt)`, {
      attempts: 3,
      keepLogs: 1,
      stackTraceLimit: 1,
    });
    expect((await jobs.ended(id)).attempts).toHaveLength(3);
    await jobs.reaches(job, 'failed');
    expect(await jobs.logOf(job)).toHaveLength(1);
    expect((await jobs.fresh(job)).stacktrace).toEqual([expect.stringContaining('no 3')]);
  });

  it('jobId: names the job, and nothing else', async () => {
    const { id, job } = await jobs.submit('', { jobId: `mine-${randomUUID()}` });
    expect(await jobs.ended(id)).toMatchObject({ execution_id: id });
    expect(job.id).toMatch(/^mine-/);
  });

  it('timestamp: is where the time in the queue counts from', async () => {
    const { id } = await jobs.submit('', { timestamp: Date.now() - 60_000 });
    expect((await jobs.ended(id)).queued_ms).toBeGreaterThanOrEqual(60_000);
  });

  it('sizeLimit: is the producer own business', async () => {
    await expect(jobs.submit('', { sizeLimit: 3 })).rejects.toThrow('exceeds the limit');
  });

  it('telemetry: is handed to the code', async () => {
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const telemetry = { metadata: JSON.stringify({ traceparent }) };
    const { id } = await jobs.submit('return context.traceparent;', { telemetry });
    expect(await jobs.ended(id)).toMatchObject({ result: traceparent });
  });
});

describe('deduplication', () => {
  const add = (deduplication: NonNullable<JobsOptions['deduplication']>, delay = 0) =>
    jobs.submit('', { deduplication, delay });

  it('simple: while the first is there, others are dropped and never run', async () => {
    await producer.queue.pause();
    const id = randomUUID();
    const [first, second] = [await add({ id }), await add({ id })];
    expect(second.job.id).toBe(first.job.id);
    await producer.queue.resume();
    await jobs.ended(first.id);
    const third = await add({ id });
    await jobs.ended(third.id);
    expect(starts.of(second.id)).toBe(0);
    expect(await view(second.id)).toMatchObject({ status: 'stored' });
  });

  it('throttle: the id stays taken for its time, also after the end', async () => {
    const id = randomUUID();
    const first = await add({ id, ttl: HOUR_MS });
    await jobs.ended(first.id);
    await jobs.reaches(first.job, 'completed');
    expect((await add({ id, ttl: HOUR_MS })).job.id).toBe(first.job.id);
    expect(await producer.queue.removeDeduplicationKey(id)).toBe(1);
    await jobs.ended((await add({ id })).id);
  });

  it('debounce: of delayed jobs the last one runs', async () => {
    const id = randomUUID();
    const mode = { id, ttl: HOUR_MS, extend: true, replace: true };
    const first = await add(mode, HOUR_MS);
    const last = await add(mode, HOUR_MS);
    await (await jobs.fresh(last.job)).promote();
    await jobs.ended(last.id);
    expect(starts.of(first.id)).toBe(0);
  });

  it('keepLastIfActive: the last of those that came meanwhile runs after the first', async () => {
    const id = randomUUID();
    const deduplication = { id, keepLastIfActive: true };
    const hold = randomUUID();
    const first = await jobs.submit(runsUntil(hold), { deduplication });
    await until(() => starts.of(first.id), { what: 'the first has begun' });
    const dropped = await jobs.submit('', { deduplication });
    const last = await jobs.submit('', { deduplication });
    await jobs.submit('', {}, hold);
    await jobs.ended(first.id);
    await jobs.ended(last.id);
    expect(starts.of(dropped.id)).toBe(0);
  });
});

describe('operations on jobs', () => {
  it('promote: begins now, and the delay counts as far as it was waited for', async () => {
    const { id, job } = await jobs.submit('', { delay: HOUR_MS });
    await job.promote();
    const { metrics, queued_ms } = await jobs.ended(id);
    expect(metrics['delay_ms']).toBeLessThan(HOUR_MS);
    expect(queued_ms).toBe(0);
  });

  it('promoteJobs: does so for all', async () => {
    const all = await Promise.all([1, 2, 3].map(() => jobs.submit('', { delay: HOUR_MS })));
    await producer.queue.promoteJobs();
    await Promise.all(all.map(({ id }) => jobs.ended(id)));
  });

  it('changeDelay: begins when that says', async () => {
    const { id, job } = await jobs.submit('', { delay: HOUR_MS });
    await job.changeDelay(1);
    await jobs.ended(id);
  });

  it('changePriority: changes the order, not the execution', async () => {
    await producer.queue.setGlobalConcurrency(1);
    await producer.queue.pause();
    const [first, second] = [await jobs.submit('', { priority: 5 }), await jobs.submit('', { priority: 6 })];
    await second.job.changePriority({ priority: 1 });
    await producer.queue.resume();
    expect(await order([first.id, second.id])).toEqual([second.id, first.id]);
    await Promise.all([jobs.ended(first.id), jobs.ended(second.id)]);
    await producer.queue.removeGlobalConcurrency();
  });

  it('updateData: before it is taken, the job is what its data say then', async () => {
    await producer.queue.pause();
    const { id, job } = await jobs.submit('');
    const other = randomUUID();
    await jobs.writeContext(other, 'return 2;');
    await job.updateData({ execution_id: other });
    await producer.queue.resume();
    expect(await jobs.ended(other)).toMatchObject({ result: 2 });
    expect(starts.of(id)).toBe(0);
  });

  it('remove: what waits never runs; its context stays', async () => {
    await producer.queue.pause();
    const { id, job } = await jobs.submit('');
    await job.remove();
    await producer.queue.resume();
    const next = await jobs.submit('');
    await jobs.ended(next.id);
    expect(starts.of(id)).toBe(0);
    expect(await view(id)).toMatchObject({ status: 'stored' });
  });

  it('remove: what has ended keeps its result', async () => {
    const { id, job } = await jobs.submit('return 1;');
    await jobs.ended(id);
    await jobs.reaches(job, 'completed');
    await job.remove();
    expect(await view(id)).toMatchObject({ result: 1 });
  });

  it('remove: what runs cannot be removed, and ends as it does', async () => {
    const hold = randomUUID();
    const { id, job } = await jobs.submit(runsUntil(hold));
    await until(() => starts.of(id), { what: 'it has begun' });
    await expect(job.remove()).rejects.toThrow('locked');
    await jobs.submit('', {}, hold);
    expect(await jobs.ended(id)).toMatchObject({ result: 1 });
  });

  it('moveToDelayed and retry: not of a job in another state', async () => {
    const { id, job } = await jobs.submit('');
    await jobs.ended(id);
    await jobs.reaches(job, 'completed');
    await expect(job.retry('failed')).rejects.toThrow('is not in the failed state');
    await expect(job.moveToDelayed(Date.now() + 1000)).rejects.toThrow('not in the active state');
    expect(producer.resultsOf(id)).toHaveLength(1);
  });
});

describe('operations on the queue', () => {
  it('pause and resume: nothing begins in between', async () => {
    await producer.queue.pause();
    const { id } = await jobs.submit('');
    expect(await view(id)).toMatchObject({ status: 'queued', waiting: { reason: 'queue paused' } });
    await producer.queue.resume();
    await jobs.ended(id);
  });

  it('drain: what waits never runs', async () => {
    await producer.queue.pause();
    const [waiting, delayed] = [await jobs.submit(''), await jobs.submit('', { delay: HOUR_MS })];
    await producer.queue.drain(true);
    await producer.queue.resume();
    const next = await jobs.submit('');
    await jobs.ended(next.id);
    expect([waiting, delayed].map(({ id }) => starts.of(id))).toEqual([0, 0]);
  });

  it('clean: results stay', async () => {
    const { id, job } = await jobs.submit('return 1;');
    await jobs.ended(id);
    await jobs.reaches(job, 'completed');
    await producer.queue.clean(0, 1000, 'completed');
    await jobs.reaches(job, 'unknown');
    expect(await view(id)).toMatchObject({ result: 1 });
  });

  it('rateLimit and setGlobalRateLimit: only later', async () => {
    await producer.queue.setGlobalRateLimit(2, 300);
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => jobs.submit('')));
    const ends = await Promise.all(all.map(({ id }) => jobs.ended(id)));
    expect(ends.every(({ success }) => success)).toBe(true);
    await producer.queue.removeGlobalRateLimit();
    await producer.queue.rateLimit(300);
    const { id } = await jobs.submit('');
    await jobs.ended(id);
    expect(starts.of(id)).toBe(1);
  });

  it('setGlobalConcurrency: no more at once over all workers', async () => {
    await producer.queue.setGlobalConcurrency(1);
    const all = await Promise.all([1, 2, 3].map(() => jobs.submit('')));
    const ends = await Promise.all(all.map(({ id }) => jobs.ended(id)));
    const times = ends.flatMap(({ started_at, finished_at }) => [started_at, finished_at]);
    const inOrder = ends
      .toSorted((a, b) => a.started_at.localeCompare(b.started_at))
      .flatMap(({ started_at, finished_at }) => [started_at, finished_at]);
    expect(inOrder).toEqual(times.toSorted((a, b) => a.localeCompare(b)));
    await producer.queue.removeGlobalConcurrency();
  });

  it('addBulk: as single jobs', async () => {
    const ids = [randomUUID(), randomUUID()];
    for (const id of ids) await jobs.writeContext(id, 'return 1;');
    await producer.queue.addBulk(ids.map((execution_id) => ({ name: 'execute', data: { execution_id } })));
    for (const id of ids) expect(await jobs.ended(id)).toMatchObject({ result: 1 });
  });

  it('obliterate: what runs still has its one result, and the queue goes on', async () => {
    const hold = randomUUID();
    const { id } = await jobs.submit(runsUntil(hold));
    await until(() => starts.of(id), { what: 'it has begun' });
    await producer.queue.obliterate({ force: true });
    await jobs.submit('', {}, hold);
    await producer.queue.resume();
    expect(await jobs.ended(id)).toMatchObject({ result: 1 });
    expect(await jobs.ended(hold)).toMatchObject({ success: true });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });
});

describe('a cap of an organization, whatever others do to the queue', () => {
  const OWNER = 'capped';
  const LANES = 'bull:bifrost-executions:lanes';
  const submit = (): Promise<string> =>
    producer.submitExecution(
      aContext({ organization: { id: OWNER }, workflow_code: gauge.code(OWNER, 100) }),
    );
  const isCapSet = async (): Promise<boolean> =>
    (
      await fetch(`${worker.url}/organizations/${OWNER}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ max_running: 1 }),
      })
    ).ok;
  const capIsKnown = (): Promise<unknown> =>
    until(() => client.hexists(`${LANES}:limits`, OWNER), { what: 'the lanes know the cap' });
  const setCap = async (): Promise<void> => {
    await until(isCapSet, { what: 'the cap is set' });
    await capIsKnown();
  };
  const allEnd = async (ids: string[]): Promise<void> => {
    for (const id of ids)
      expect(await producer.executionResult(id)).toMatchObject({ success: true, starts: 1 });
    expect(ids.map((id) => producer.resultsOf(id).length)).toEqual(ids.map(() => 1));
  };
  /** Of which one runs, and the others wait for it. */
  const several = async (): Promise<string[]> => {
    const ids = [await submit(), await submit(), await submit(), await submit()];
    await until(() => gauge.of(OWNER) === 1, { what: 'one runs' });
    return ids;
  };

  beforeEach(setCap);

  it('promoteJobs: holds all the same', async () => {
    const ids = await several();
    await producer.queue.promoteJobs();
    await allEnd(ids);
    expect(gauge.takeMost(OWNER)).toBe(1);
  });

  it('keys of the lanes that are lost: what BullMQ has kept runs, and the cap is right again', async () => {
    const ids = await several();
    await client.del(...(await client.keys(`${LANES}:*`)));
    await capIsKnown();
    await allEnd(ids);
    gauge.takeMost(OWNER);
    await allEnd(await Promise.all([submit(), submit(), submit()]));
    expect(gauge.takeMost(OWNER)).toBe(1);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['drain', () => producer.queue.drain(true)],
    ['obliterate', () => producer.queue.obliterate({ force: true })],
    ['FLUSHALL', () => client.flushall()],
  ])(
    '%s: what runs ends, what comes then has its places, and nothing is left of what was removed',
    async (_name, remove) => {
      const ids = await several();
      await remove();
      await setCap();
      await until(() => gauge.of(OWNER) === 0, { what: 'what ran has ended' });
      await producer.queue.resume();
      gauge.takeMost(OWNER);
      await allEnd(await Promise.all([submit(), submit(), submit()]));
      expect(gauge.takeMost(OWNER)).toBe(1);
      expect(ids.filter((id) => producer.resultsOf(id).length > 0)).not.toEqual([]);
      expect(ids.filter((id) => producer.resultsOf(id).length > 1)).toEqual([]);
    },
  );
});
