import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type JobsOptions, QueueEvents } from 'bullmq';
import type { TaskResult } from '../../../src/contract/clients/task-result.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext } from '../../support/builders.js';
import { Jobs } from '../../support/jobs.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useStartCounter } from '../../support/start-counter.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const starts = useStartCounter();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const keys = new RedisKeys('');
let producer: Producer;
let jobs: Jobs;
let worker: WorkerProcess;
let client: RedisClient;
let events: QueueEvents;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  jobs = new Jobs(producer, client, starts);
  events = new QueueEvents('bifrost-executions', { connection: redis.connect() });
  events.on('error', () => undefined);
  redis.onDispose(() => events.close());
  const env = { REDIS_URL: redis.url, CONCURRENCY: '4', ...starts.settings };
  worker = await startWorker({ env, args: ['--id', 'w1'] });
});

const anId = (): string => randomUUID();
const FAILS = `throw new RangeError('no');`;

describe('options that BullMQ cannot carry out', () => {
  it.each<[string, JobsOptions]>([
    ['opts.backoff', { attempts: 3, backoff: { type: 'custom' } }],
    ['opts.backoff', { attempts: 3, backoff: 'exponential' as unknown as number }],
    ['opts.backoff', { attempts: 3, backoff: { type: 'fixed', delay: 'soon' as unknown as number } }],
    ['opts.attempts', { attempts: 1e9 }],
    ['opts.removeOnFail', { removeOnFail: { count: 'all' as unknown as number } }],
  ])('end with one refusal that names %s before any code runs: %j', async (field, options) => {
    const { id, job } = await jobs.submit(FAILS, options);
    const result = await jobs.ended(id);
    expect(result).toMatchObject({ status: 'failed', failure: { code: 'INVALID_JOB', evidence: { field } } });
    await jobs.reaches(job, 'failed');
    expect(starts.of(id)).toBe(0);
    expect(producer.resultsOf(id)).toHaveLength(1);
  });

  it('are not those that can be served: a pause that grows, by each known rule', async () => {
    const rules: NonNullable<JobsOptions['backoff']>[] = [
      10,
      { type: 'linear', delay: 10 },
      { type: 'exponential', delay: 10 },
    ];
    for (const backoff of rules) {
      const { id, job } = await jobs.submit(FAILS, { attempts: 3, backoff });
      expect(await jobs.ended(id)).toMatchObject({ attempt: 3, failure: { code: 'USER_ERROR' } });
      await jobs.reaches(job, 'failed');
      expect(starts.of(id)).toBe(3);
    }
  });
});

describe('a retry by hand', () => {
  it('runs the code again, and its result replaces the former and is delivered as well', async () => {
    const { id, job } = await jobs.submit(
      `if (context.run === 1) throw new Error('first'); return context.run;`,
    );
    expect(await jobs.ended(id)).toMatchObject({ success: false, error: 'first' });
    await jobs.reaches(job, 'failed');
    await job.retry('failed');
    expect(await jobs.ended(id, 2)).toMatchObject({ success: true, result: 2, run: 2, attempt: 1 });
    await jobs.reaches(job, 'completed');
    expect(await producer.storedResult(id)).toMatchObject({ run: 2, result: 2 });
    expect(starts.of(id)).toBe(2);
    expect((await jobs.fresh(job)).returnvalue).toBe(2);
    await job.retry('completed');
    expect(await jobs.ended(id, 3)).toMatchObject({ run: 3, result: 3 });
  });

  it('does so with every count reset too, and leaves the job failed where it fails again', async () => {
    const { id, job } = await jobs.submit(FAILS);
    for (const count of [1, 2, 3]) {
      expect(await jobs.ended(id, count)).toMatchObject({ success: false, error_type: 'RangeError' });
      await jobs.reaches(job, 'failed');
      expect((await jobs.fresh(job)).failedReason).toBe('no');
      if (count < 3) await job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
    }
    expect(starts.of(id)).toBe(3);
  });

  it('of all failed jobs at once runs each of them', async () => {
    await producer.queue.clean(0, 1000, 'failed');
    const all = await Promise.all(Array.from({ length: 5 }, () => jobs.submit(FAILS)));
    for (const { id, job } of all) {
      await jobs.ended(id);
      await jobs.reaches(job, 'failed');
    }
    await producer.queue.retryJobs({ state: 'failed' });
    for (const { id } of all) expect(await jobs.ended(id, 2)).toMatchObject({ run: 2 });
    expect(all.map(({ id }) => starts.of(id))).toEqual([2, 2, 2, 2, 2]);
  });

  it('has the secrets that were removed at the end of the first run asked for anew', async () => {
    const id = anId();
    const secret = aContext({
      workflow_code: 'export default (_p, { secrets }) => secrets.KEY.length',
      secrets: { KEY: 'sesame-street' },
    });
    await client.set(keys.context(id), JSON.stringify(secret));
    const job = await jobs.add(id);
    expect(await jobs.ended(id)).toMatchObject({ result: 13 });
    await jobs.reaches(job, 'completed');
    await job.retry('completed');
    expect(await jobs.ended(id, 2)).toMatchObject({
      failure: { code: 'INVALID_JOB', evidence: { field: 'secrets' } },
    });
    await jobs.reaches(job, 'failed');
    await client.set(keys.context(id), JSON.stringify(secret));
    await job.retry('failed');
    expect(await jobs.ended(id, 3)).toMatchObject({ result: 13, run: 3 });
  });
});

describe('the same id again', () => {
  it('runs where nothing ran: the context was missing, and is there now', async () => {
    const id = anId();
    const first = await jobs.add(id);
    expect(await jobs.ended(id)).toMatchObject({ error_type: 'ContextNotFound' });
    await jobs.reaches(first, 'failed');
    await jobs.writeContext(id, 'return 5;');
    await jobs.add(id);
    expect(await jobs.ended(id, 2)).toMatchObject({ success: true, result: 5, run: 2 });
  });

  it('does not run after a success, visibly, unless it is asked for', async () => {
    const taskId = anId();
    const data = { taskId, code: `console.log('out')` };
    const options = { jobId: taskId, removeOnComplete: true };
    await (await producer.queue.add('task', data, options)).waitUntilFinished(events);
    await until(async () => (await producer.queue.getJob(taskId)) === undefined, { what: 'it is removed' });
    const again = await producer.queue.add('task', data, { jobId: taskId });
    expect(await again.waitUntilFinished(events)).toEqual({ stdout: 'out\n', stderr: '', exitCode: 0 });
    expect((await jobs.logOf(again)).join()).toMatch(/Not run: .* has had its result since .*"again": true/);
    expect(producer.resultsOf(taskId)).toHaveLength(1);
    await again.remove();
    await producer.queue.add('task', { ...data, again: true }, { jobId: taskId });
    await until(() => producer.resultsOf(taskId)[1], { what: 'the second run' });
    expect(producer.resultsOf(taskId)[1]).toMatchObject({ status: 'completed', run: 2 });
    await producer.queue.add('task', data, { again: true } as JobsOptions);
    await until(() => producer.resultsOf(taskId)[2], { what: 'the third run' });
  });

  it('ends as failed where the standing result is a failure', async () => {
    const { id, job } = await jobs.submit(FAILS);
    await jobs.ended(id);
    await jobs.reaches(job, 'failed');
    const again = await jobs.add(id);
    await jobs.reaches(again, 'failed');
    expect((await jobs.fresh(again)).failedReason).toBe('no');
    expect(starts.of(id)).toBe(1);
    await until(() => worker.logs.some((line) => line['jobId'] === again.id && line['reason'] === 'known'), {
      what: 'the log says why it was not run',
    });
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    expect(metrics).toMatch(/bifrost_jobs_ended_without_run_total\{reason="known"\} [1-9]/);
  });
});

describe('what BullMQ keeps of a job', () => {
  it('is the value that its execution returned', async () => {
    const { id, job } = await jobs.submit('return { n: [1, 2] };');
    expect(await job.waitUntilFinished(events)).toEqual({ n: [1, 2] });
    expect(await jobs.ended(id)).toMatchObject({ result: { n: [1, 2] } });
    const nothing = await jobs.submit('');
    expect(await nothing.job.waitUntilFinished(events)).toBeNull();
  });

  it('of a large value is a mark that says where it is', async () => {
    const { id, job } = await jobs.submit(`return 'x'.repeat(70_000);`);
    const mark = { bytes: 70_002, execution_id: id, key: keys.result(id) };
    expect(await job.waitUntilFinished(events)).toEqual({ 'bifrost:large-value': mark });
  });

  it('of a failure is the error and the stack of the code, and a line where its logs are', async () => {
    const { id, job } = await jobs.submit(FAILS);
    await expect(job.waitUntilFinished(events)).rejects.toThrow('no');
    const { stacktrace, failedReason } = await jobs.fresh(job);
    const stack = (stacktrace ?? []).join('\n');
    expect(failedReason).toBe('no');
    expect(stack).toMatch(/^RangeError: no\n.*inline-code\.ts/s);
    expect(stack).not.toContain('conclusion');
    expect((await jobs.logOf(job)).join()).toContain(`bifrost logs ${id}`);
  });
});

describe('times', () => {
  it('count neither the delay nor the back-off that the job asked for as waiting', async () => {
    const { id } = await jobs.submit(`if (context.attempt === 1) throw new Error('no')`, {
      delay: 1500,
      attempts: 2,
      backoff: 1200,
    });
    const { queued_ms, metrics, started_at, attempts = [] } = await jobs.ended(id);
    expect(metrics).toMatchObject({ backoff_ms: 1200, queue_ms: queued_ms });
    const pause = Date.parse(started_at) - Date.parse(attempts[0]?.finished_at ?? '');
    expect(queued_ms).toBeLessThanOrEqual(pause - 1200);
    const delayed = await jobs.submit('', { delay: 1500 });
    const result = await jobs.ended(delayed.id);
    expect(result.metrics).toMatchObject({ delay_ms: 1500 });
    const whole = Date.parse(result.started_at) - delayed.job.timestamp;
    expect(result.queued_ms).toBeLessThanOrEqual(whole - 1500);
  });
});

describe('a job that cannot be read', () => {
  /** Puts a job's hash on the queue as a broken program would. */
  async function addRaw(fields: Record<string, string>): Promise<string> {
    const id = `raw-${anId()}`;
    const now = { name: 'x', timestamp: `${Date.now()}`, delay: '0', priority: '0', ...fields };
    if (fields['name'] !== '-') await client.hset(`bull:bifrost-executions:${id}`, now);
    await client.lpush('bull:bifrost-executions:wait', id);
    await client.zadd('bull:bifrost-executions:marker', 0, '0');
    return id;
  }

  it.each<[string, Record<string, string>]>([
    ['data that is not JSON', { data: '{bad', opts: '{}' }],
    ['data that is a quote', { data: '"', opts: '{}' }],
    ['data that says undefined', { data: 'undefined', opts: '{}' }],
    ['data that is text', { data: '"x"', opts: '{}' }],
    ['a hash without data and options', {}],
    ['no hash at all', { name: '-' }],
  ])('ends with one result and leaves the queue: %s', async (_what, fields) => {
    const id = await addRaw(fields);
    expect(await jobs.ended(`job-${id}`)).toMatchObject({ failure: { code: 'INVALID_JOB' } });
    await until(async () => (await producer.queue.getJobState(id)) === 'failed', { what: 'it has failed' });
    expect(producer.resultsOf(`job-${id}`)).toHaveLength(1);
  });

  it.each([
    ['options', { opts: '{bad' }, 'opts'],
    ['options that are null', { opts: 'null' }, 'opts'],
    ['parent', { opts: '{}', parent: '{bad' }, 'opts'],
  ])('is refused under its own id where that can be read: %s', async (_what, fields, field) => {
    const id = anId();
    await jobs.writeContext(id, '');
    const jobId = await addRaw({ data: JSON.stringify({ execution_id: id }), ...fields });
    expect(await jobs.ended(id)).toMatchObject({ failure: { code: 'INVALID_JOB', evidence: { field } } });
    await until(async () => (await producer.queue.getJobState(jobId)) === 'failed', { what: 'it failed' });
    expect(starts.of(id)).toBe(0);
  });

  it('is refused too where BullMQ cannot make the next tick of its schedule', async () => {
    const id = anId();
    const opts = JSON.stringify({ repeat: { every: 1000, pattern: '* * * * *' } });
    const data = JSON.stringify({ taskId: id, code: '' });
    // As if it had stalled already: each stall takes BullMQ ten seconds.
    const jobId = await addRaw({ data, opts, rjk: 'broken', stc: '3' });
    expect(await jobs.ended(id)).toMatchObject({ errorMessage: expect.stringContaining('opts') });
    await until(async () => (await producer.queue.getJobState(jobId)) === 'failed', { what: 'it failed' });
  });

  it('is refused as well where something else lies under its key', async () => {
    const id = `raw-${anId()}`;
    await client.set(`bull:bifrost-executions:${id}`, 'no job');
    await client.lpush('bull:bifrost-executions:wait', id);
    await client.zadd('bull:bifrost-executions:marker', 0, '0');
    expect(await jobs.ended(`job-${id}`)).toMatchObject({ failure: { code: 'INVALID_JOB' } });
    await until(async () => (await client.lpos('bull:bifrost-executions:active', id)) === null, {
      what: 'it left the queue',
    });
    await client.del(`bull:bifrost-executions:${id}`);
  });

  it('leaves the lists of jobs readable', async () => {
    expect(await producer.queue.getJobs()).toBeInstanceOf(Array);
  });
});

describe('ids', () => {
  it('null keys of the other contract do not count', async () => {
    const id = anId();
    await jobs.writeContext(id, 'return 1;');
    await producer.queue.add('execute', { execution_id: id, taskId: null, code: null });
    expect(await jobs.ended(id)).toMatchObject({ result: 1 });
  });

  it('a job that mixes the contracts is refused under the id that it has', async () => {
    const id = anId();
    await producer.queue.add('execute', { execution_id: id, code: '1' });
    expect(await jobs.ended(id)).toMatchObject({
      failure: { code: 'INVALID_JOB', evidence: { field: 'code' } },
    });
  });

  it('may have letters of any script', async () => {
    const taskId = `py-ünï-夜-${anId()}`;
    await producer.submitTask({ taskId, code: 'console.log(1)' });
    expect((await jobs.ended(taskId)) as unknown as TaskResult).toMatchObject({
      taskId,
      status: 'completed',
    });
    const found = await fetch(`${worker.url}/executions/${encodeURIComponent(taskId)}`);
    expect(await found.json()).toMatchObject({ execution_id: taskId, status: 'succeeded' });
  });
});

describe('inline code with a file path', () => {
  it('runs under the name of that file', async () => {
    const put = await fetch(`${worker.url}/workspace`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        files: { 'jobs/lib.ts': 'export const n = 7;', 'jobs/report.ts': 'export default () => "stored";' },
      }),
    });
    expect(put.status).toBe(200);
    const id = anId();
    const code = `import { n } from './lib';
      export default () => ({ n, url: import.meta.url, stack: new Error('x').stack });`;
    const named = aContext({ workflow_code: code, file_path: 'jobs/report.ts' });
    await client.set(keys.context(id), JSON.stringify(named));
    await jobs.add(id);
    const { result } = (await jobs.ended(id)) as unknown as { result: Record<string, unknown> };
    expect(result).toMatchObject({ n: 7, url: expect.stringMatching(/\/jobs\/report\.ts/) });
    expect(result['stack']).toMatch(/jobs\/report\.ts:2:/);
  });
});

describe('deduplication', () => {
  it('lets the next job in as soon as the result can be read', async () => {
    const deduplication = { id: `dedup-${anId()}` };
    for (let round = 1; round <= 5; round++) {
      const { id } = await jobs.submit('return 1;', { deduplication });
      await until(() => producer.storedResult(id), { what: `result ${round}` });
    }
  });
});
