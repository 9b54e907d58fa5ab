import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { campaign } from '../../faults/campaign.js';
import { OneServer } from '../../faults/stacks/redis-stack.js';
import { useWorkers } from '../../support/processes/worker-process.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useStartCounter } from '../../support/start-counter.js';
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
  it('says why, tries again, starts once it can, and ends with 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bifrost-test-start-'));
    folders.push(folder);
    // Where no disk can be mounted, a folder that is not there keeps it from starting too.
    const disk = canMount() ? new SmallDisk(DISK_MB) : null;
    disks.push(disk);
    disk?.fill();
    const missing = disk?.folder ?? join(folder, 'tmp');
    const worker = await startWorker({
      env: { REDIS_URL: redis.url, QUEUE_NAME: 'start', TMPDIR: missing, CANARY_SECONDS: '1' },
    });
    const ready = async (): Promise<string> => (await fetch(`${worker.url}/health/ready`)).text();
    await until(async () => (await ready()).includes('tries again'), {
      what: 'health says that it tries again',
    });
    expect((await fetch(`${worker.url}/health/live`)).status).toBe(200);
    if (disk) disk.clear();
    else await mkdir(missing);
    await until(async () => (await fetch(`${worker.url}/health/ready`)).ok, { what: 'the worker is ready' });
    expect(worker.logs.filter(({ msg }) => msg?.startsWith('the worker cannot start'))).toHaveLength(1);
    const client = redis.connect();
    const events = async () => JSON.stringify(await client.xrange('bull:start:events', '-', '+'));
    await until(async () => (await events()).includes('completed'), { what: 'a canary is taken' });
    expect(await client.keys('*bifrost-canary*')).toEqual([]);
    expect(await client.exists('bull:start-results:id', 'bull:start-results:events')).toBe(0);
    const { workers } = (await (await fetch(`${worker.url}/workers`)).json()) as { workers: object[] };
    expect(workers).toEqual([expect.objectContaining({ completed: 0, failed: 0 })]);
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
        counter,
        startWorker,
        producer: makeProducer({ queueName }),
        queueName,
      },
    );
    expect(Object.keys(report.faults).length).toBeGreaterThan(0);
    expect(report).toMatchObject({
      executions: 60,
      lost: [],
      doubled: [],
      disagreeing: [],
      undeclared: [],
      orphans: [],
      keysForEver: [],
    });
  });
});
