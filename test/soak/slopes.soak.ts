import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkerRecord } from '../../src/contract/worker-record.js';
import type { RedisClient } from '../../src/redis/connections.js';
import { aContext } from '../support/builders.js';
import { footprintOf } from '../support/processes/footprint.js';
import { heapMbOf, WITH_INSPECTOR } from '../support/processes/worker-heap.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { type Producer, useProducers } from '../support/producer.js';
import { useRedis } from '../support/servers/test-redis.js';
import { slopeOf } from './slope.js';
import { KILLS } from '../support/soak.js';
import { until } from '../support/until.js';

// `npm run soak`: an hour of mixed load, after which nothing may be growing. What came of it is in docs/faults.md.

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 60);
/** Caches fill, V8 learns, the pool comes to its size. */
const WARM_UP_SHARE = 0.2;
const SAMPLES = 60;
const AT_ONCE = 6;
const SLEEPER = 'export default () => new Promise((r) => setTimeout(r, 200, 1))';
const PRINTER = 'export default ({ n }) => { console.log("n", n); return n * 2 }';
const THROWER = 'export default () => { throw new Error("on purpose") }';
/** Of an hour: the growth that would matter to somebody who lets a worker run for weeks. */
const MATTERS_PER_HOUR = { rssMb: 8, heapMb: 2, descriptors: 2, processes: 0.5, files: 2, keys: 10 } as const;
type Quantity = keyof typeof MATTERS_PER_HOUR;
const QUANTITIES = Object.keys(MATTERS_PER_HOUR) as Quantity[];

it(
  'an hour of mixed load leaves nothing of a worker growing',
  async () => {
    const producer = makeProducer({ queueName: 'slopes' });
    const tmpDir = await mkdtemp(join(tmpdir(), 'bifrost-soak-'));
    const worker = await startWorker({
      env: {
        REDIS_URL: redis.url,
        QUEUE_NAME: 'slopes',
        WORKER_ID: 'slopes',
        TMPDIR: tmpDir,
        CONCURRENCY: '4',
        MEMORY_LIMIT_MB: '192',
        ...WITH_INSPECTOR,
      },
    });
    const over = new AbortController();
    const load = keepBusy(producer, over.signal);
    // What goes wrong there is thrown below.
    load.catch(() => undefined);
    const client = redis.connect();
    const pauseMs = (MINUTES * 60_000) / SAMPLES;
    const beganMs = performance.now();
    const samples: Record<Quantity, { hours: number; value: number }[]> = {
      rssMb: [],
      heapMb: [],
      descriptors: [],
      processes: [],
      files: [],
      keys: [],
    };
    await sleep(pauseMs * SAMPLES * WARM_UP_SHARE);
    while (samples.keys.length < SAMPLES * (1 - WARM_UP_SHARE)) {
      await sleep(pauseMs);
      const seen = await look(worker, tmpDir, client);
      const hours = (performance.now() - beganMs) / 3_600_000;
      for (const quantity of QUANTITIES) samples[quantity].push({ hours, value: seen[quantity] });
    }
    over.abort();
    const executions = await load;
    const report = QUANTITIES.map((quantity) => {
      const { perHour, atLeastPerHour } = slopeOf(samples[quantity]);
      const values = samples[quantity].map(({ value }) => value);
      return {
        quantity,
        first: round(values[0]!),
        last: round(values.at(-1)!),
        perHour: round(perHour),
        atLeastPerHour: round(atLeastPerHour),
        grows: atLeastPerHour > MATTERS_PER_HOUR[quantity],
      };
    });
    console.info(`${executions} executions in ${MINUTES} minutes`, JSON.stringify(report, null, 2));
    await worker.stop();
    await rm(tmpDir, { recursive: true, force: true });
    expect(report.filter(({ grows }) => grows)).toEqual([]);
    expect(executions).toBeGreaterThan(0);
  },
  (MINUTES + 30) * 60_000,
);

const round = (value: number): number => Math.round(value * 100) / 100;

/** Every kind of execution, some of which are ended by force, until the signal; resolves with how many there were. */
async function keepBusy(producer: Producer, over: AbortSignal): Promise<number> {
  const open = new Set<string>();
  let count = 0;
  let seen = 0;
  while (!over.aborted || open.size > 0) {
    while (!over.aborted && open.size < AT_ONCE) {
      const [code, , timeoutSeconds = 60] = kindOf(count);
      const context = aContext({
        workflow_code: code,
        parameters: { n: count },
        timeout_seconds: timeoutSeconds,
      });
      const gone = { removeOnComplete: true, removeOnFail: true };
      open.add(await producer.submitExecution(context, undefined, gone));
      count += 1;
    }
    await until(() => producer.received.length > seen, { what: 'another result' });
    for (; seen < producer.received.length; seen++) {
      const result = producer.received[seen]!;
      if ('execution_id' in result) open.delete(result.execution_id);
    }
  }
  return count;
}

function kindOf(index: number): readonly [code: string, failure: string, timeoutSeconds?: number] {
  if (index % 20 === 0) return KILLS[(index / 20) % KILLS.length]!;
  if (index % 7 === 0) return [THROWER, 'USER_ERROR'];
  return index % 3 === 0 ? [SLEEPER, ''] : [PRINTER, ''];
}

async function look(
  worker: WorkerProcess,
  tmpDir: string,
  client: RedisClient,
): Promise<Record<Quantity, number>> {
  const heapMb = await heapMbOf(worker);
  const record = JSON.parse((await client.get('bifrost:worker:slopes'))!) as WorkerRecord;
  const { descriptors, processes, files } = await footprintOf(worker.pid, record, tmpDir);
  return { rssMb: rssMbOf(worker.pid), heapMb, descriptors, processes, files, keys: await keysOf(client) };
}

function rssMbOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_024;
}

/** Keys that never expire, beside results that were consumed, of which the queue keeps 10,000. */
async function keysOf(client: RedisClient): Promise<number> {
  const [, keys, expiring] = /keys=(\d+),expires=(\d+)/.exec(await client.info('keyspace'))!;
  return Number(keys) - Number(expiring) - (await client.zcard('bull:slopes-results:completed'));
}
