import { describe, expect, it } from '@jest/globals';
import { aContext } from '../../support/builders.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers('each test');

interface Health {
  status: string;
  details: { isolation: Record<string, unknown> };
}

const untilReady = (worker: WorkerProcess): Promise<unknown> =>
  until(async () => (await fetch(`${worker.url}/health/ready`)).ok, { what: 'the worker is ready' });

describe('what a worker says of its isolation', () => {
  it('is the same in its log, its record, its probes, its metrics and every result', async () => {
    const env = {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'isolation',
      ISOLATION: 'namespace',
      RUNNER_START: 'spawn',
    };
    const worker = await startWorker({ env });
    await untilReady(worker);
    const producer = makeProducer({ queueName: 'isolation' });
    // Its log and its record may lag for a moment.
    const line = await until(() => worker.logs.find(({ msg }) => msg === 'self-test of the isolation'), {
      what: 'the self-test is in the log',
    });
    expect(line).toMatchObject({ isolation: 'namespace', grade: 'A', network: 'none', failed: [] });
    const health = (await (await fetch(`${worker.url}/health`)).json()) as Health;
    expect(health.details.isolation).toEqual({
      status: 'up',
      level: 'namespace',
      grade: 'A',
      network: 'none',
      failed: [],
    });
    const record = await until(
      async () => {
        const answer = await fetch(`${worker.url}/workers`);
        const { workers } = (await answer.json()) as { workers: Record<string, unknown>[] };
        return workers.find((known) => 'isolation_grade' in known);
      },
      { what: 'the grade is in the record' },
    );
    expect(record).toMatchObject({
      isolation: 'namespace',
      isolation_grade: 'A',
      isolation_failed: [],
      network: 'none',
    });
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    expect(metrics).toContain('bifrost_isolation_grade{level="namespace",grade="A",network="none"} 1');
    expect(metrics).toContain('bifrost_isolation_failed_checks 0');
    for (const workflow_code of ['export default () => 1', 'export default () => no'])
      expect(
        await producer.executionResult(await producer.submitExecution(aContext({ workflow_code }))),
      ).toEqual(
        expect.objectContaining({
          isolation: { level: 'namespace', grade: 'A', network: 'none', start: 'spawn' },
        }),
      );
  });

  it('names the hole: Redis without a password in an open network', async () => {
    const env = {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'open',
      NETWORK: 'open',
      API_TOKEN: 'a-token-of-some-length',
    };
    const worker = await startWorker({ env });
    await untilReady(worker);
    const answer = await fetch(`${worker.url}/health`, {
      headers: { authorization: `Bearer ${env.API_TOKEN}` },
    });
    const health = (await answer.json()) as Health;
    expect([answer.status, health.details.isolation]).toEqual([
      200,
      expect.objectContaining({ status: 'degraded', grade: 'D', failed: ['redis'] }),
    ]);
  });

  it('ends a worker that is below the grade that it must have', async () => {
    const env = {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'required',
      ISOLATION: 'process',
      ISOLATION_REQUIRED_GRADE: 'A',
    };
    const worker = new WorkerProcess({ env });
    expect((await worker.exited).code).toBe(78);
    expect(worker.output.join('\n')).toMatch(/ISOLATION_REQUIRED_GRADE: A is wanted, this worker has [BC]/);
  });
});
