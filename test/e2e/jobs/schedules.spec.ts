import { beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { TaskResult } from '../../../src/contract/clients/task-result.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { type LogLine, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
let producer: Producer;
let worker: WorkerProcess;
let client: RedisClient;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      CONCURRENCY: '4',
      WEBHOOK_SECRETS: SECRET,
      WEBHOOK_ALLOW: '127.0.0.1:*',
    },
    args: ['--id', 'w1'],
  });
});

const ticksOf = (schedule: string): (ExecutionResult | TaskResult)[] =>
  producer.received.filter((result) => result.schedule?.id === schedule);
const ticks = (schedule: string, count: number): Promise<(ExecutionResult | TaskResult)[]> =>
  until(() => (ticksOf(schedule).length >= count ? ticksOf(schedule) : null), {
    what: `${count} ticks of ${schedule}`,
  });
const idOf = (result: ExecutionResult | TaskResult): string =>
  'taskId' in result ? result.taskId : result.execution_id;

describe('the ticks of a job scheduler', () => {
  it.each([
    ['that names a task', 'with-id', { taskId: 'with-id', code: 'console.log("tick")' }],
    ['that names none', 'without-id', { code: 'console.log("tick")' }],
  ])('are executions of their own, of a template %s', async (_what, schedule, data) => {
    await producer.queue.upsertJobScheduler(schedule, { every: 1000, limit: 3 }, { name: 'task', data });
    const results = await ticks(schedule, 3);
    expect(new Set(results.map(idOf)).size).toBe(3);
    for (const result of results) {
      expect(result).toMatchObject({ status: 'completed', result: { stdout: 'tick\n' } });
      expect(idOf(result)).toBe(`${schedule}@${result.schedule?.due_at}`);
    }
    const found = await fetch(`${worker.url}/executions/${encodeURIComponent(idOf(results[0]!))}`);
    expect(await found.json()).toMatchObject({ status: 'succeeded', schedule: { id: schedule } });
  });

  it('share the context that the template names, and its secrets', async () => {
    const context = aContext({
      workflow_code:
        'export default (_p, { schedule, secrets, run }) => [schedule.id, secrets.KEY.length, run]',
      secrets: { KEY: 'sesame-street' },
    });
    await client.set(new RedisKeys('').context('report'), JSON.stringify(context));
    const template = { name: 'execute', data: { execution_id: 'report' } };
    const cron = { pattern: '* * * * * *', tz: 'Asia/Tokyo', limit: 3 };
    await producer.queue.upsertJobScheduler('reports', cron, template);
    for (const result of await ticks('reports', 3))
      expect(result).toMatchObject({ success: true, result: ['reports', 13, 1] });
  });

  it('run again when they are retried', async () => {
    const data = { code: 'throw new Error("no")' };
    await producer.queue.upsertJobScheduler(
      'failing',
      { every: 3_600_000, limit: 1 },
      { name: 'task', data },
    );
    const [first] = await ticks('failing', 1);
    const id = idOf(first!);
    const job = await until(async () => (await producer.queue.getFailed())[0], { what: 'it has failed' });
    await job.retry('failed');
    await until(() => producer.resultsOf(id)[1], { what: 'the second run' });
    expect(producer.resultsOf(id)[1]).toMatchObject({ run: 2, schedule: { id: 'failing' } });
  });

  it('that were missed while no worker ran are reported by the next', async () => {
    const data = { code: '' };
    await producer.queue.upsertJobScheduler('late', { every: 200 }, { name: 'task', data });
    await ticks('late', 2);
    await producer.queue.pause();
    const job = await until(async () => (await producer.queue.getWaiting()).find(isLate), {
      what: 'a tick that no worker takes',
    });
    // As BullMQ would find it if it had stood for a minute: the tick after it is due now, not then.
    await until(() => Date.now() > job.timestamp + 700, { what: 'ticks were missed' });
    const before = ticksOf('late').length;
    await producer.queue.resume();
    await ticks('late', before + 3);
    const line = await until(() => worker.logs.find(isMissedTicksLine), {
      what: 'it is logged',
    });
    expect(line['missed']).toBeGreaterThanOrEqual(1);
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    expect(metrics).toMatch(/bifrost_schedule_ticks_missed_total [1-9]/);
    await producer.queue.removeJobScheduler('late');
  });
});

describe('ticks that overlap', () => {
  /** Two ticks, the second before the first has ended. */
  const overlap = async (schedule: string, overlap: string, code: string): Promise<void> => {
    const data = { code, schedule: { overlap } };
    await producer.queue.upsertJobScheduler(schedule, { every: 1500, limit: 2 }, { name: 'task', data });
  };
  const SLOW = 'await new Promise((resolve) => setTimeout(resolve, 4000)); console.log("slow")';

  it('are passed over, wait, or end the former, as asked', async () => {
    await Promise.all([
      overlap('skipping', 'skip', SLOW),
      overlap('queueing', 'queue', SLOW),
      overlap('cancelling', 'cancel', 'setInterval(() => {}, 1000)'),
    ]);
    const [skipped, former] = await ticks('skipping', 2);
    expect(skipped).toMatchObject({
      status: 'failed',
      errorMessage: expect.stringContaining('overlap: skip'),
    });
    expect(former).toMatchObject({ status: 'completed', result: { stdout: 'slow\n' } });
    const view = await fetch(`${worker.url}/executions/${encodeURIComponent(idOf(skipped!))}`);
    expect(await view.json()).toMatchObject({ status: 'cancelled', failure: { code: 'SKIPPED' } });
    const queued = await ticks('queueing', 2);
    for (const result of queued) expect(result).toMatchObject({ status: 'completed' });
    const documents = await Promise.all(queued.map(documentOf));
    expect(Date.parse(documents[1]!.started_at)).toBeGreaterThanOrEqual(
      Date.parse(documents[0]!.finished_at),
    );
    const [cancelled] = await ticks('cancelling', 1);
    const document = await documentOf(cancelled!);
    expect(document).toMatchObject({ status: 'cancelled', failure: { code: 'CANCELLED' } });
    const later = await until(async () => (await runningOf('cancelling'))[0], {
      what: 'the later tick runs',
    });
    expect(later).not.toBe(idOf(cancelled!));
    await fetch(`${worker.url}/executions/${encodeURIComponent(later)}`, { method: 'DELETE' });
    await ticks('cancelling', 2);
  });

  it('that were missed all run, each once', async () => {
    await producer.queue.pause();
    const data = { code: '', schedule: { missed: 'all', overlap: 'queue' } };
    await producer.queue.upsertJobScheduler('catching-up', { every: 200, limit: 2 }, { name: 'task', data });
    const job = await until(async () => (await producer.queue.getWaiting()).find(isCatchingUp), {
      what: 'a tick that no worker takes',
    });
    await until(() => Date.now() > job.timestamp + 1_300, { what: 'ticks were missed' });
    await producer.queue.resume();
    const first = dueOf(job.id);
    const wanted = [0, 1, 2, 3, 4, 5].map((n) => first + n * 200);
    await until(() => wanted.every((due) => dueTimes('catching-up').includes(due)), { what: 'all have run' });
    expect(new Set(dueTimes('catching-up')).size).toBe(dueTimes('catching-up').length);
    for (const result of ticksOf('catching-up')) expect(result).toMatchObject({ status: 'completed' });
  });
});

describe('a webhook', () => {
  it('of a schedule, of an execution and of one that is cancelled before it starts reports each end', async () => {
    const events: { execution_id: string; status: string; schedule: { id: string } | null }[] = [];
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const event = new Webhook(SECRET).verify(body, request.headers as Record<string, string>);
        events.push((event as { data: (typeof events)[number] }).data);
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    redis.onDispose(() => void server.close());
    const webhook = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
    const send = async (method: string, path: string, body?: object): Promise<Record<string, string>> => {
      const json = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const response = await fetch(`${worker.url}${path}`, { method, ...(body ? json : {}) });
      return (await response.json()) as Record<string, string>;
    };
    const eventOf = (id: string | undefined) =>
      until(() => events.find(({ execution_id: own }) => own === id), { what: `the message about ${id}` });
    const ran = await send('POST', '/executions', { workflow_code: '1', webhook });
    expect(await eventOf(ran['execution_id'])).toMatchObject({ status: 'succeeded', schedule: null });
    const later = await send('POST', '/executions', { workflow_code: '1', webhook, delay: 3_600_000 });
    await send('DELETE', `/executions/${later['execution_id']}`);
    expect(await eventOf(later['execution_id'])).toMatchObject({ status: 'cancelled' });
    await send('PUT', '/schedules/reported', { cron: '0 0 1 1 *', task: { code: '1', webhook } });
    const tick = await send('POST', '/schedules/reported/run');
    expect(await eventOf(tick['execution_id'])).toMatchObject({
      status: 'succeeded',
      schedule: { id: 'reported' },
    });
    const path = `/executions/${encodeURIComponent(tick['execution_id'] as string)}/webhooks`;
    await until(async () => JSON.stringify(await send('GET', path)).includes('delivered'), {
      what: 'it is logged',
    });
  });
});

const isCatchingUp = ({ repeatJobKey }: { repeatJobKey?: string }): boolean => repeatJobKey === 'catching-up';
const dueOf = (jobId: string | undefined): number => Number(jobId?.split(':').at(-1));
const dueTimes = (schedule: string): number[] =>
  ticksOf(schedule).map((result) => Date.parse(result.schedule!.due_at));
const documentOf = async (result: ExecutionResult | TaskResult): Promise<ExecutionResult> =>
  (await (
    await fetch(`${worker.url}/executions/${encodeURIComponent(idOf(result))}`)
  ).json()) as ExecutionResult;
const runningOf = async (schedule: string): Promise<string[]> => {
  const answer = await fetch(`${worker.url}/executions?status=running&schedule=${schedule}`);
  const { executions } = (await answer.json()) as { executions: { execution_id: string }[] };
  return executions.map(({ execution_id: id }) => id);
};

const isLate = ({ repeatJobKey }: { repeatJobKey?: string }): boolean => repeatJobKey === 'late';
const isMissedTicksLine = ({ msg, schedule }: LogLine): boolean =>
  msg === 'ticks of a schedule were missed' && schedule === 'late';
