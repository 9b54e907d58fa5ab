import { beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let operator: RedisClient;
let worker: WorkerProcess;

/** As docs/operating.md says it: its own keys, and nothing that an administrator uses, INFO among it. */
const RIGHTS = [
  'on',
  '>a-password',
  '~acme:*',
  '~{acme:*',
  'resetchannels',
  '&acme:*',
  '+@all',
  '-@dangerous',
];
const setUser = (...rules: string[]): Promise<unknown> => operator.call('ACL', 'SETUSER', 'worker', ...rules);

interface Health {
  status: string;
  details: Record<string, { status: string; reason?: string } | undefined>;
}
const health = async (): Promise<Health> => (await (await fetch(`${worker.url}/health`)).json()) as Health;

beforeAll(async () => {
  producer = makeProducer({ keyPrefix: 'acme:' });
  operator = redis.connect();
  await setUser('reset', ...RIGHTS);
  const url = redis.url.replace('redis://', 'redis://worker:a-password@');
  worker = await startWorker({
    env: { REDIS_URL: url, KEY_PREFIX: 'acme:', CONCURRENCY: '2', ...REUSED_RUNNERS },
    args: ['--id', 'w1'],
  });
});

const run = async (): Promise<unknown> => {
  const id = await producer.submitExecution(aContext({ workflow_code: 'export default () => 7' }));
  return (await producer.executionResult(id)).result;
};

describe('a worker whose user of Redis may not do everything', () => {
  it('works without the commands of administrators', async () => {
    expect(await run()).toBe(7);
    expect((await health()).status).toBe('ok');
    expect(worker.output.filter((line) => line.includes('INFO command fails'))).toEqual([]);
  });

  it('says what is refused, stays within reach, ends nothing with INTERNAL, and goes on once it may', async () => {
    await setUser('-@scripting');
    const id = await producer.submitExecution(aContext({ workflow_code: 'export default () => 8' }));
    const seen = await until(
      async () => {
        const { consumption } = (await health()).details;
        return consumption?.status === 'down' && consumption;
      },
      { what: 'health says that no job can be fetched' },
    );
    expect(seen.reason).toMatch(/^no job could be fetched for \d+ s: NOPERM .*'eval(sha)?'/);
    const asked = await fetch(`${worker.url}/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(aContext()),
    });
    expect(asked.status).toBe(503);
    expect(await asked.text()).toMatch(/Redis turns this process away: NOPERM/);
    // Each second it is tried again; it is said when it changes.
    const said = worker.logs.filter(({ msg }) => msg === 'queue');
    expect(said.length).toBeLessThan(10);
    expect(said[0]).toMatchObject({ level: 'warn', reason: expect.stringContaining('NOPERM') });
    await setUser('+@scripting');
    expect(await producer.executionResult(id)).toMatchObject({ success: true, result: 8 });
    await until(async () => (await health()).status === 'ok', { what: 'it is well again' });
  });

  it('says that the keys beginning with a brace are refused, without which nothing begins', async () => {
    await setUser('resetkeys', '~acme:*');
    await until(async () => (await health()).details['redis']?.status === 'down', {
      what: 'health says that Redis turns it away',
    });
    await setUser('~{acme:*');
    expect(await run()).toBe(7);
  });

  it('says that its password was changed, and ends well what runs meanwhile', async () => {
    const id = await producer.submitExecution(
      aContext({ workflow_code: 'export default () => new Promise((done) => setTimeout(done, 1500, 9))' }),
    );
    await until(() => producer.currentWorker(id), { what: 'it runs' });
    await setUser('resetpass', '>another');
    await operator.call('CLIENT', 'KILL', 'USER', 'worker');
    await until(async () => /WRONGPASS/.test((await health()).details['redis']?.reason ?? ''), {
      what: 'health says what Redis says',
    });
    await setUser('>a-password');
    expect(await producer.executionResult(id)).toMatchObject({ success: true, result: 9, attempt: 1 });
    await until(async () => (await health()).status === 'ok', { what: 'it is well again' });
    expect(worker.logs.filter(({ msg }) => msg === 'unreadable jobs could not be looked for')).toEqual([]);
  });

  it('ends when it is told to, also where it may do nothing any more', async () => {
    await setUser('-@all');
    await until(async () => (await health()).details['redis']?.status === 'down', {
      what: 'health says that Redis turns it away',
    });
    expect((await health()).details['redis']?.reason).toMatch(
      /^Redis answers and turns this worker away: NOPERM/,
    );
    expect((await worker.stop()).code).toBe(0);
  });
});
