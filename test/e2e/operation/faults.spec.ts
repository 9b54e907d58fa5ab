import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findingsOf } from '../../../src/contract/clients/faults-report.js';
import { campaign } from '../../../src/faults/campaign.js';
import { OneServer } from '../../faults/stacks/redis-stack.js';
import { aContext } from '../../support/builders.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useStartCounter } from '../../support/start-counter.js';
import { startGate } from '../../support/servers/gate.js';
import { canMount, SmallDisk } from '../../support/servers/small-disk.js';
import { until } from '../../support/until.js';

const redis = useRedis({ persistent: true });
const counter = useStartCounter();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const folders: string[] = [];
const disks: (SmallDisk | null)[] = [];
const DISK_MB = 64;
afterAll(() => disks.forEach((disk) => disk?.dispose()));
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

describe('a worker that cannot start for now', () => {
  let worker: WorkerProcess;
  let disk: SmallDisk | null = null;
  let missing: string;
  let producer: Producer;
  const health = async (): Promise<{ status: number; text: string }> => {
    const answer = await fetch(`${worker.url}/health/ready`);
    return { status: answer.status, text: await answer.text() };
  };
  const refusals = (from: number) =>
    worker.logs.slice(from).filter(({ msg }) => msg === 'Redis refuses to write');
  const isReady = async (): Promise<boolean> => (await health()).status === 200;

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifrost-test-start-'));
    folders.push(folder);
    // Where no disk can be mounted, a folder that is not there keeps it from starting too.
    disk = canMount() ? new SmallDisk(DISK_MB) : null;
    disks.push(disk);
    disk?.fill();
    missing = disk?.folder ?? join(folder, 'tmp');
    producer = makeProducer({ queueName: 'start' });
    worker = await startWorker({
      env: {
        REDIS_URL: redis.url,
        QUEUE_NAME: 'start',
        TMPDIR: missing,
        CANARY_SECONDS: '1',
        CONCURRENCY: '1',
        ...counter.settings,
      },
    });
  });

  const letStart = async (): Promise<void> => {
    if (disk) disk.clear();
    else await mkdir(missing, { recursive: true });
    await until(isReady, { what: 'the worker is ready' });
  };

  it('says why, tries again, and starts once it can', async () => {
    await until(async () => (await health()).text.includes('tries again'), {
      what: 'health says that it tries again',
    });
    expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
    await letStart();
    expect(worker.logs.filter(({ msg }) => msg?.startsWith('the worker cannot start'))).toHaveLength(1);
    const client = redis.connect();
    const events = async () => JSON.stringify(await client.xrange('bull:start:events', '-', '+'));
    await until(async () => (await events()).includes('completed'), { what: 'a canary is taken' });
    expect(await client.keys('*bifrost-canary*')).toEqual([]);
    expect(await client.exists('bull:start-results:id', 'bull:start-results:events')).toBe(0);
    const { workers } = (await (await fetch(`${worker.url}/workers`)).json()) as { workers: object[] };
    expect(workers).toEqual([expect.objectContaining({ completed: 0, failed: 0 })]);
  });

  it.each([
    ['replicas', 'NOREPLICAS', 'CONFIG SET min-replicas-to-write 1', 'CONFIG SET min-replicas-to-write 0'],
    ['memory', 'OOM', 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0'],
    // Of a primary that nothing listens for: it keeps its data.
    ['the role of a primary', 'READONLY', 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE'],
  ])(
    'while Redis lacks %s, says so, and has everything done once afterwards',
    async (_what, code, begin, end) => {
      await letStart();
      const client = redis.connect();
      const tell = (command: string): Promise<unknown> => client.call(...(command.split(' ') as [string]));
      const count = counter.count('context.executionId');
      const gate = await startGate();
      const context = aContext({
        workflow_code: `export default async (_, context) => { ${count} await fetch('${gate.url}'); return 1; }`,
      });
      const ids = [await producer.submitExecution(context), await producer.submitExecution(context)];
      await until(() => counter.of(ids[0]!) > 0, { what: 'the first runs' });
      const logged = worker.logs.length;
      await tell(begin);
      await until(async () => (await health()).text.includes(`refuses to write: ${code}`), {
        what: 'health names the reason',
      });
      await until(() => refusals(logged).length > 0, { what: 'it is logged' });
      expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
      const refused = await fetch(`${worker.url}/executions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(context),
      });
      expect([refused.status, await refused.text()]).toEqual([503, expect.stringContaining('Redis')]);
      gate.open();
      await tell(end);
      for (const id of ids)
        expect(await producer.executionResult(id)).toMatchObject({ success: true, starts: 1 });
      expect(ids.map((id) => counter.of(id))).toEqual([1, 1]);
      expect(ids.map((id) => producer.resultsOf(id).length)).toEqual([1, 1]);
      await gate.close();
      await until(isReady, { what: 'the worker is ready' });
      expect(refusals(logged)).toEqual([expect.objectContaining({ reason: expect.stringContaining(code) })]);
    },
  );

  it('ends with 0', async () => {
    await letStart();
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  });
});

describe('a short campaign of faults', () => {
  it('loses, doubles and hides nothing', async () => {
    const queueName = 'campaign';
    const report = await campaign(
      {
        seed: 3,
        executions: 60,
        workers: 2,
        atOnce: 8,
        pauseMs: [500, 1_500],
        faults: ['kill a worker', 'silence a worker', 'kill a runner or compiler', 'restart Redis'],
      },
      {
        redis: new OneServer(redis),
        faults: new OneServer(redis).faults,
        counter,
        startWorker,
        producer: makeProducer({ queueName }),
        queueName,
      },
    );
    expect(Object.keys(report.faults).length).toBeGreaterThan(0);
    expect(report.executions).toBe(60);
    expect(findingsOf(report)).toEqual({});
  });
});
