import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { aContext } from '../../support/builders.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

const commandOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
};

/** Processes that were started or forked for this worker, keepers among them. */
const processesOf = (workerPid: number): string[] =>
  readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && commandOf(name).includes(`bifrost-runtime-${workerPid}-`),
  );

it('a worker says how its runners come about, and leaves none when it is killed', async () => {
  const producer = makeProducer({ queueName: 'forked' });
  const worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      QUEUE_NAME: 'forked',
      CONCURRENCY: '2',
      ISOLATION: 'namespace',
      RUNNER_START: 'fork',
    },
  });
  const run = async (workflow_code: string, changes = {}) =>
    producer.executionResult(await producer.submitExecution(aContext({ workflow_code, ...changes })));

  const result = await run('export default () => process.pid');
  expect(result).toMatchObject({
    success: true,
    isolation: { level: 'namespace', grade: 'A', start: 'fork' },
  });
  const health = (await (await fetch(`${worker.url}/health`)).json()) as {
    details: { capacity: { runners: unknown } };
  };
  expect(health.details.capacity.runners).toEqual({ start: 'fork', reason: null });
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(metrics).toMatch(/^bifrost_runners_are_forked(\{.*\})? 1$/m);
  expect(metrics).toMatch(/^bifrost_runner_boot_seconds_count\{.*start="fork".*\} [1-9]/m);

  // Local variables need the debugger, which a rehearsal must not have given up.
  const failed = await run(
    'export default () => { const held = { n: 7 }; throw new Error(`no ${held.n}`) }',
    { capture_locals: true },
  );
  expect(JSON.stringify(failed.failure?.evidence)).toContain('"n":7');

  const running = await producer.submitExecution(
    aContext({ workflow_code: 'export default () => { console.log("on"); for (;;); }' }),
  );
  const client = redis.connect();
  await until(async () => (await client.xlen(`bifrost:logs:${running}`)) > 1, { what: 'it runs' });
  expect(processesOf(worker.pid).length).toBeGreaterThan(2);
  process.kill(worker.pid, 'SIGKILL');
  await worker.exited;
  await until(() => processesOf(worker.pid).length === 0, { what: 'no process of the worker is left' });
});
