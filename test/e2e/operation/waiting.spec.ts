import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { JobsOptions } from 'bullmq';
import type { QueueView } from '../../../src/contract/api/queue.js';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { Waiting } from '../../../src/contract/waiting.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let api: WorkerProcess;
let worker: WorkerProcess;

const start = (env: Record<string, string>, id: string): Promise<WorkerProcess> =>
  startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '2', ...env }, args: ['--id', id] });

beforeAll(async () => {
  producer = makeProducer();
  [api, worker] = await Promise.all([start({ ROLES: 'api' }, 'api'), start({}, 'w1')]);
});

interface View {
  status: string;
  waiting?: Waiting;
}
const view = async (id: string): Promise<View> =>
  (await (await fetch(`${api.url}/executions/${id}`)).json()) as View;
const untilReason = (id: string, reason: string): Promise<View> =>
  until(
    async () => {
      const seen = await view(id);
      return seen.waiting?.reason === reason && seen;
    },
    { what: `${id} waits because of "${reason}"` },
  );

const SLEEPS = 'export default () => new Promise((resolve) => setTimeout(resolve, 300_000))';
const submit = (options: JobsOptions = {}, code = SLEEPS): Promise<string> =>
  producer.submitExecution(aContext({ workflow_code: code, timeout_seconds: 600 }), randomUUID(), options);
const cancelAll = (ids: string[]): Promise<unknown> =>
  Promise.all(ids.map((id) => fetch(`${api.url}/executions/${id}?wait=90`, { method: 'DELETE' })));

describe('an execution that waits', () => {
  it('says that all runners are busy, and its position, priorities included', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 20; n++) ids.push(await submit());
    const urgent = await submit({ priority: 5 });
    const last = await untilReason(ids[19] as string, 'all runners busy');
    await until(async () => (await view(ids[19] as string)).waiting?.position === 18, {
      what: 'two have begun',
    });
    expect(last.status).toBe('queued');
    expect((await view(ids[2] as string)).waiting).toMatchObject({
      reason: 'all runners busy',
      position: 1,
      queued: 19,
      running: 2,
      capacity: 2,
      until: null,
    });
    expect((await view(urgent)).waiting).toMatchObject({ position: 19 });
    expect((await view(ids[2] as string)).waiting?.age_ms).toBeGreaterThan(0);
    await cancelAll([...ids.slice(2), ...ids.slice(0, 2), urgent]);
  });

  it.each<[string, JobsOptions, string]>([
    ['scheduled delay', { delay: 3_600_000 }, SLEEPS],
    ['delayed retry', { attempts: 2, backoff: 3_600_000 }, 'export default () => { throw new Error("no") }'],
  ])('says "%s" and until when', async (reason, options, code) => {
    const beforeMs = Date.now();
    const id = await submit(options, code);
    const { waiting } = await untilReason(id, reason);
    expect(waiting?.position).toBeNull();
    const begunMs = Date.parse(waiting?.until ?? '') - 3_600_000;
    expect([begunMs >= beforeMs, begunMs <= Date.now()]).toEqual([true, true]);
    await cancelAll([id]);
  });

  it('says that the queue is paused, and what comes of it then', async () => {
    await producer.queue.pause();
    const id = await submit({}, 'export default () => 1');
    expect((await untilReason(id, 'queue paused')).waiting?.position).toBe(1);
    await producer.queue.resume();
    expect(await producer.executionResult(id)).toMatchObject({ result: 1 });
  });

  it('says which cap of its organization it waits for, and where it is in its lane', async () => {
    const json = { 'content-type': 'application/json' };
    const organization = { id: 'acme' };
    const post = async (changes: Partial<ExecutionContext>): Promise<string> => {
      const body = JSON.stringify(
        aContext({ workflow_code: SLEEPS, timeout_seconds: 600, organization, ...changes }),
      );
      const answer = await fetch(`${api.url}/executions`, { method: 'POST', headers: json, body });
      return ((await answer.json()) as { execution_id: string }).execution_id;
    };
    const put = (body: object) =>
      fetch(`${api.url}/organizations/acme`, { method: 'PUT', headers: json, body: JSON.stringify(body) });
    const [running] = [await post({ concurrency_key: 'k' })];
    await until(async () => (await view(running)).status === 'running', { what: 'it runs' });
    const [first, second] = [await post({ concurrency_key: 'k' }), await post({ concurrency_key: 'k' })];
    await untilReason(first, 'concurrency key in use');
    expect(await view(second)).toMatchObject({
      status: 'queued',
      waiting: { position: null, until: null, lane: { organization: 'acme', position: 2, running: 1 } },
    });
    expect((await put({ max_running: 1 })).status).toBe(200);
    await until(
      async () => (await redis.connect().hget('bull:bifrost-executions:lanes:limits', 'acme')) !== null,
      { what: 'the cap is in effect' },
    );
    const capped = await post({ workflow_id: 'w' });
    expect((await untilReason(capped, 'organization cap reached')).waiting?.detail).toContain(
      'may run 1 at once',
    );
    const { lanes, held, delayed } = (await (await fetch(`${api.url}/queue`)).json()) as QueueView;
    expect(lanes).toEqual([
      expect.objectContaining({ organization: 'acme', waiting: 3, running: 1, max_running: 1 }),
    ]);
    expect([held, delayed]).toEqual([3, 0]);
    const listed = (await (await fetch(`${api.url}/executions?status=queued&organization=acme`)).json()) as {
      executions: { execution_id: string; waiting: Waiting }[];
    };
    expect(new Set(listed.executions.map(({ execution_id }) => execution_id))).toEqual(
      new Set([first, second, capped]),
    );
    await cancelAll([running, second]);
    await until(async () => (await view(first)).status === 'running', { what: 'the place is used again' });
    await put({});
    await cancelAll([first, capped]);
  });

  it('is stored and not queued while it has no job', async () => {
    const id = randomUUID();
    await redis.connect().set(`bifrost:exec:${id}:context`, JSON.stringify(aContext()), 'EX', 60);
    expect(await view(id)).toMatchObject({ status: 'stored', waiting: { reason: 'context stored, no job' } });
    expect((await view(randomUUID())).status).toBe(404);
  });

  it('says that the workers are paused, and that none is alive', async () => {
    await fetch(`${api.url}/workers/w1/pause`, { method: 'POST' });
    const id = await submit();
    await untilReason(id, 'workers paused');
    await worker.kill9();
    await untilReason(id, 'no live worker');
    await cancelAll([id]);
    expect(await producer.storedResult(id)).toMatchObject({ status: 'cancelled' });
  });
});
