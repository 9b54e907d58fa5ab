import { beforeAll, describe, expect, it } from '@jest/globals';
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
let producer: Producer;
let worker: WorkerProcess;
let client: RedisClient;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  worker = await startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '4' }, args: ['--id', 'w1'] });
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

const isLate = ({ repeatJobKey }: { repeatJobKey?: string }): boolean => repeatJobKey === 'late';
const isMissedTicksLine = ({ msg, schedule }: LogLine): boolean =>
  msg === 'ticks of a schedule were missed' && schedule === 'late';
