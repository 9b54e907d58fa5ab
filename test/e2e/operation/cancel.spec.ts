import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { TaskResult } from '../../../src/contract/clients/task-result.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext, aTask, NAP } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

/** Code that ends at the signal has to do so within it, also on a slow and busy machine. */
const GRACE_MS = 3_000;

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let client: RedisClient;
let a: WorkerProcess;
let b: WorkerProcess;

const env = (): Record<string, string> => ({
  REDIS_URL: redis.url,
  CONCURRENCY: '1',
  CANCEL_GRACE_SECONDS: String(GRACE_MS / 1000),
});

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  [a, b] = await Promise.all([
    startWorker({ env: env(), args: ['--id', 'a'] }),
    startWorker({ env: env(), args: ['--id', 'b'] }),
  ]);
});

const SLEEPS = 'export default () => new Promise((resolve) => setTimeout(resolve, 600_000))';
const BLOCKS = `export default () => { for (;;) ${NAP}; }`;
const IGNORES = `export default async (_parameters, { signal }) => {
  signal.addEventListener('abort', () => undefined);
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}`;
const ENDS_AT_SIGNAL = `export default (_parameters, { signal }) => new Promise((resolve) => {
  signal.addEventListener('abort', () => resolve(signal.reason.message));
  setTimeout(resolve, 600_000);
})`;
const THROWS = `export default (_parameters, { signal }) => new Promise((_resolve, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason));
  setTimeout(() => undefined, 600_000);
})`;
/** Its module is loaded for ever: it does not get to its function. */
const STARTS_FOR_EVER =
  'await new Promise((resolve) => setTimeout(resolve, 600_000)); export default () => 1;';

const submit = (code: string, options: JobsOptions = {}, changes: Partial<ExecutionContext> = {}) =>
  producer.submitExecution(
    aContext({ workflow_code: code, timeout_seconds: 600, ...changes }),
    randomUUID(),
    options,
  );

/** Waits until a runner has the code, and names the worker. */
const runningOn = (id: string): Promise<string> =>
  until(
    async () => {
      for (const name of ['a', 'b']) {
        const record = await client.get(`bifrost:worker:${name}`);
        if (record?.includes(id)) return name;
      }
      return '';
    },
    { what: `${id} is on a runner` },
  );

/** Asks for the end and returns the result. */
async function cancelled(id: string, ask: () => Promise<unknown>): Promise<ExecutionResult> {
  await ask();
  return await producer.executionResult(id);
}

/** How long a worker waited between the signal and the kill; null: it did not kill. */
function killedAfterMs({ cancellation }: ExecutionResult): number | null {
  const { signalled_at: from, killed_at: to } = cancellation ?? {};
  return from && to ? Date.parse(to) - Date.parse(from) : null;
}

const byHttp = async (id: string, { url }: WorkerProcess, query = ''): Promise<[number, ExecutionResult]> => {
  const response = await fetch(`${url}/executions/${id}${query}`, { method: 'DELETE' });
  return [response.status, (await response.json()) as ExecutionResult];
};
const byMessage = (id: string, reason?: string): Promise<number> =>
  client.publish('bifrost:cancel', JSON.stringify({ execution_id: id, reason }));

/** What fills the workers now. */
const occupying: string[] = [];
// A test that fails leaves them free for the next one.
afterEach(async () => {
  await Promise.all(occupying.splice(0).map((id) => byMessage(id)));
});

/** Fills both workers, so that what comes after has to wait. */
async function occupy(): Promise<() => Promise<void>> {
  const ids = await Promise.all([submit(SLEEPS), submit(SLEEPS)]);
  occupying.push(...ids);
  await Promise.all(ids.map((id) => until(() => producer.currentWorker(id), { what: `${id} has a worker` })));
  return async () => {
    await Promise.all(ids.map((id) => byMessage(id)));
    await Promise.all(ids.map((id) => producer.executionResult(id)));
  };
}

describe('cancel of a running execution', () => {
  it.each([
    ['that sleeps and never took the signal', SLEEPS, 'killed', false],
    ['that blocks its event loop', BLOCKS, 'killed', true],
    ['that ignores the signal', IGNORES, 'killed', true],
    ['that returns at the signal', ENDS_AT_SIGNAL, 'by itself', false],
    ['that throws at the signal', THROWS, 'by itself', false],
    ['whose module is still loading', STARTS_FOR_EVER, 'killed', false],
  ] as const)('%s ends as cancelled', async (_what, code, ended, afterGrace) => {
    const id = await submit(code);
    const worker = await runningOn(id);
    const other = worker === 'a' ? b : a;
    const result = await cancelled(id, () => byHttp(id, other, '?reason=enough'));
    expect(result).toMatchObject({
      status: 'cancelled',
      success: false,
      worker_id: worker,
      error_type: 'CancelledError',
      error: 'The execution was cancelled: enough',
      failure: { code: 'CANCELLED' },
      cancellation: { reason: 'enough', ended },
    });
    expect(Date.parse(result.cancellation?.signalled_at ?? '')).not.toBeNaN();
    expect(result.cancellation?.killed_at === null).toBe(ended === 'by itself');
    if (ended === 'killed') expect((killedAfterMs(result) as number) > GRACE_MS / 2).toBe(afterGrace);
    expect(producer.resultsOf(id)).toHaveLength(1);
  });

  it('keeps what the code returned, and gives it the reason', async () => {
    const id = await submit(ENDS_AT_SIGNAL);
    await runningOn(id);
    const result = await cancelled(id, () => byMessage(id, 'from a program'));
    expect(result.result).toBe('The execution was cancelled: from a program');
  });

  it('answers 202 at once, 200 with the result when it waits, and again 200 afterwards', async () => {
    const id = await submit(IGNORES);
    await runningOn(id);
    const [status, body] = await byHttp(id, a, '?reason=one');
    expect([status, body.status]).toEqual([202, 'running']);
    expect(body.cancellation).toMatchObject({ reason: 'one' });
    const [later, result] = await byHttp(id, a, '?reason=two&wait=90');
    expect([later, result.status, result.cancellation?.reason]).toEqual([200, 'cancelled', 'one']);
    expect((await byHttp(id, b))[0]).toBe(200);
  });

  it('is caught by the note in Redis when the message was lost', async () => {
    const id = await submit(SLEEPS);
    await runningOn(id);
    const ledger = `{bifrost:exec:${id}:result}:ledger`;
    await client.hset(ledger, 'cancel_asked_at', new Date().toISOString(), 'cancel_reason', 'noted');
    expect((await producer.executionResult(id)).cancellation).toMatchObject({ reason: 'noted' });
  });
});

describe('cancel of an execution that is not running', () => {
  it.each<[string, JobsOptions, (id: string) => Promise<unknown>]>([
    ['a waiting one, over HTTP', {}, (id) => byHttp(id, a)],
    ['a waiting one, by a message', {}, (id) => byMessage(id)],
    ['a prioritized one', { priority: 7 }, (id) => byMessage(id)],
    ['a delayed one', { delay: 3_600_000 }, (id) => byHttp(id, b)],
  ])('ends %s at once and takes its job away', async (_what, options, ask) => {
    const free = await occupy();
    const id = await submit(SLEEPS, options);
    const result = await cancelled(id, () => ask(id));
    expect(result).toMatchObject({
      status: 'cancelled',
      cancellation: { ended: 'before start', signalled_at: null, killed_at: null },
    });
    const counts = (): Promise<Record<string, number>> =>
      producer.queue.getJobCounts('wait', 'prioritized', 'delayed');
    await until(async () => Object.values(await counts()).every((count) => count === 0), {
      what: 'no job waits',
    });
    await free();
    expect(producer.resultsOf(id)).toHaveLength(1);
  });

  it('ends a task in the form that its producer knows', async () => {
    const free = await occupy();
    const task = aTask();
    await producer.submitTask(task);
    await byMessage(task.taskId, 'no longer needed');
    const result: TaskResult = await producer.taskResult(task.taskId);
    expect(result).toMatchObject({
      taskId: task.taskId,
      status: 'failed',
      errorMessage: 'The execution was cancelled: no longer needed',
    });
    await free();
  });

  it('ends a job that comes after the request', async () => {
    const id = randomUUID();
    expect((await byHttp(id, a))[0]).toBe(404);
    await producer.submitExecution(aContext(), id);
    expect(await producer.executionResult(id)).toMatchObject({ status: 'cancelled' });
  });

  it('changes nothing after the end, and says so', async () => {
    const id = await submit('export default () => 1');
    await producer.executionResult(id);
    const [status, body] = await byHttp(id, a);
    expect(status).toBe(409);
    expect(body).toMatchObject({ type: 'urn:bifrost:problem:ended', execution_status: 'succeeded' });
    await byMessage(id);
    expect(await producer.storedResult(id)).toMatchObject({ status: 'succeeded', result: 1 });
  });

  it('is not tried again between two attempts', async () => {
    const code = 'export default () => { throw new Error("no") }';
    const id = await submit(code, { attempts: 3, backoff: { type: 'fixed', delay: 3_600_000 } });
    await until(async () => (await producer.queue.getDelayedCount()) === 1, {
      what: 'it waits for its second attempt',
    });
    const result = await cancelled(id, () => byHttp(id, a));
    expect(result).toMatchObject({ attempt: 1, cancellation: { ended: 'not started again' } });
    await until(async () => (await producer.queue.getDelayedCount()) === 0, { what: 'its job is gone' });
  });

  it('gives each of 1,000 exactly one result', async () => {
    const free = await occupy();
    const ids = await Promise.all(Array.from({ length: 1000 }, () => submit(SLEEPS)));
    await Promise.all(ids.map((id) => byMessage(id)));
    await Promise.all(ids.map((id) => producer.executionResult(id)));
    await until(async () => (await producer.queue.getWaitingCount()) === 0, { what: 'no job waits' });
    await free();
    const counts = ids.map((id) => producer.resultsOf(id).length);
    expect(new Set(counts)).toEqual(new Set([1]));
  });
});

describe('cancel beside other ends', () => {
  it('gives one result when it races with the normal end', async () => {
    const ids = await Promise.all(
      Array.from({ length: 40 }, () => submit('export default () => new Promise((r) => setTimeout(r, 20))')),
    );
    await Promise.all(
      ids.map(async (id) => {
        await until(() => client.exists(`{bifrost:exec:${id}:result}:ledger`), { what: `${id} has begun` });
        await byMessage(id);
      }),
    );
    const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
    for (const [index, result] of results.entries()) {
      expect(['succeeded', 'cancelled']).toContain(result.status);
      expect(await producer.storedResult(ids[index] as string)).toEqual(result);
      expect(producer.resultsOf(ids[index] as string)).toHaveLength(1);
    }
  });

  it('ends what a worker that drains still runs, which then has nothing to hand back', async () => {
    const id = await submit(IGNORES);
    const name = await runningOn(id);
    const [draining, other] = name === 'a' ? [a, b] : [b, a];
    const exit = draining.stop();
    await until(() => draining.logs.some(({ msg }) => msg === 'draining'), { what: 'it drains' });
    const result = await cancelled(id, () => byHttp(id, other));
    expect(result).toMatchObject({ status: 'cancelled', worker_id: name, cancellation: { ended: 'killed' } });
    expect(killedAfterMs(result)).toBeGreaterThan(GRACE_MS / 2);
    expect(await exit).toEqual({ code: 0, signal: null });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });
});
