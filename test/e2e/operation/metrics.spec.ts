import { beforeAll, describe, expect, it } from '@jest/globals';
import { METRICS } from '../../../src/metrics/metric-table.js';
import { HEARTBEAT_TTL_MS } from '../../../src/contract/worker-record.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const TOKEN = 'a-token-of-some-length';

/** Samples by name and labels, as Prometheus would read them. */
async function scrape(worker: WorkerProcess, token?: string): Promise<Map<string, number>> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`${worker.url}/metrics`, { headers });
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  const lines = (await answer.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

describe('GET /metrics', () => {
  let worker: WorkerProcess;
  let producer: Producer;

  beforeAll(async () => {
    producer = makeProducer({ queueName: 'metrics' });
    const env = { REDIS_URL: redis.url, QUEUE_NAME: 'metrics', API_TOKEN: TOKEN, CONCURRENCY: '2' };
    worker = await startWorker({ env });
  });

  it('wants the token of the API', async () => {
    expect((await fetch(`${worker.url}/metrics`)).status).toBe(401);
  });

  it('counts executions, times and runners, with figures that are true', async () => {
    for (const workflow_code of [
      'export default () => 1',
      // The kernel counts by ticks: what is over between two of them has used nothing.
      'export default () => { const { user } = process.cpuUsage(); while (process.cpuUsage().user === user); return 2 }',
      'export default () => no',
    ])
      await producer.executionResult(await producer.submitExecution(aContext({ workflow_code })));
    const expected: Record<string, number> = {
      'bifrost_executions_total{status="succeeded",code=""}': 2,
      'bifrost_executions_total{status="failed",code="USER_ERROR"}': 1,
      'bifrost_execution_duration_seconds_count{status="succeeded"}': 2,
      bifrost_execution_queue_seconds_count: 3,
      bifrost_execution_runner_wait_seconds_count: 3,
      bifrost_executions_running: 0,
      bifrost_concurrency: 2,
      bifrost_runner_boot_failures_total: 0,
      'bifrost_packages_state{state="none"}': 1,
      'bifrost_worker_state{state="ACTIVE"}': 1,
      'bifrost_queue_jobs{queue="executions",state="waiting"}': 0,
      'bifrost_queue_jobs{queue="executions",state="active"}': 0,
    };
    // A result is out before it is counted, and before BullMQ has marked its job as done.
    let samples = await scrape(worker, TOKEN);
    const seen = () => Object.fromEntries(Object.keys(expected).map((name) => [name, samples.get(name)]));
    await until(
      async () => {
        samples = await scrape(worker, TOKEN);
        expect(seen()).toEqual(expected);
        return true;
      },
      { what: 'the figures of three executions' },
    );
    const booted = ['fork', 'spawn'].map(
      (start) => samples.get(`bifrost_runner_boot_seconds_count{start="${start}"}`) ?? 0,
    );
    expect(Math.max(...booted)).toBeGreaterThanOrEqual(3);
    expect(samples.get('bifrost_heartbeat_age_seconds')).toBeLessThan(HEARTBEAT_TTL_MS / 1000);
    await until(
      async () =>
        ((await scrape(worker, TOKEN)).get('bifrost_runners{state="ACTIVE",busy="false"}') ?? 0) > 0,
      { what: 'a runner is ready again' },
    );
    expect(samples.get('bifrost_execution_cpu_seconds_total{mode="user"}')).toBeGreaterThan(0);
  });

  it('has no names but those of the table and of the process, and no ids in labels', async () => {
    const own = new Set(Object.values(METRICS).map(({ name }) => name as string));
    for (const sample of (await scrape(worker, TOKEN)).keys()) {
      const name = sample.split('{')[0] as string;
      const base = name.replace(/_(bucket|sum|count)$/, '');
      expect([name, own.has(name) || own.has(base) || /^bifrost_(process|nodejs)_/.test(name)]).toEqual([
        name,
        true,
      ]);
      expect(sample).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}|metrics-\d|w-[0-9a-f]/);
    }
  });

  it('answers while Redis is away, counts its errors and its return', async () => {
    const queue = 'bifrost_queue_jobs{queue="executions",state="waiting"}';
    const errors = 'bifrost_redis_errors_total{connection="impatient"}';
    const returns = 'bifrost_redis_reconnects_total{connection="impatient"}';
    await redis.stop();
    await until(async () => ((await scrape(worker, TOKEN)).get(errors) ?? 0) > 0, {
      what: 'errors are counted',
    });
    expect((await scrape(worker, TOKEN)).has(queue)).toBe(false);
    await redis.start();
    await until(async () => (await scrape(worker, TOKEN)).get(returns) === 1, {
      what: 'its return is counted',
    });
    await until(async () => (await scrape(worker, TOKEN)).has(queue), { what: 'queues are seen again' });
  });

  it('may be open, and shows a process that only answers the API what that has', async () => {
    const env = {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'metrics',
      API_TOKEN: TOKEN,
      ROLES: 'api',
      METRICS_ACCESS: 'open',
    };
    const api = await startWorker({ env });
    const waiting = 'bifrost_queue_jobs{queue="executions",state="waiting"}';
    await until(async () => (await scrape(api)).get(waiting) === 0, { what: 'Redis is asked' });
    const samples = await scrape(api);
    expect(samples.has('bifrost_nodejs_eventloop_lag_p99_seconds')).toBe(true);
    expect(samples.has('bifrost_worker_state{state="ACTIVE"}')).toBe(false);
  });
});
