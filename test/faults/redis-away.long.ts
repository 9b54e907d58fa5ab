import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisKeys } from '../../src/redis/keys.js';
import { aContext } from '../support/builders.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { useProducers } from '../support/producer.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';

// `npm run faults:away`: Redis is away for AWAY_MINUTES (60). What came of it is in docs/faults.md.

const redis = useRedis({ persistent: true });
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const AWAY_MS = Number(process.env['AWAY_MINUTES'] ?? 60) * 60_000;
const LOOK_EVERY_MS = 5_000;
const GROWTH_MB = 20;

it(
  'a worker outlives a long absence of Redis without growing, stays live, and then finishes everything',
  async () => {
    const producer = makeProducer({ queueName: 'away' });
    const worker = await startWorker({
      env: { REDIS_URL: redis.url, QUEUE_NAME: 'away', CONCURRENCY: '4' },
    });
    const sleeper = (ms: number) =>
      aContext({
        workflow_code: `export default () => new Promise((r) => setTimeout(r, ${ms}, 'done'))`,
        timeout_seconds: 300,
      });
    const warmUp = await Promise.all(Array.from({ length: 40 }, () => producer.submitExecution(sleeper(20))));
    for (const id of warmUp) await producer.executionResult(id);
    // Four run while Redis leaves and end without it, twenty wait in the queue.
    const ids = await Promise.all(
      Array.from({ length: 24 }, () => producer.submitExecution(sleeper(20_000))),
    );
    await until(async () => (await producer.queue.getActiveCount()) === 4, { what: 'four run' });
    // Those of this producer expire after an hour, which is what is tried here.
    const client = redis.connect();
    for (const id of ids) await client.persist(new RedisKeys('').context(id));
    const rssMb = [rssMbOf(worker)];
    await redis.stop();
    const endMs = performance.now() + AWAY_MS;
    const probes = new Map<number, number>();
    while (performance.now() < endMs) {
      await sleep(LOOK_EVERY_MS);
      const { status } = await fetch(`${worker.url}/health/live`);
      probes.set(status, (probes.get(status) ?? 0) + 1);
      expect(worker.running).toBe(true);
      rssMb.push(rssMbOf(worker));
    }
    const lines = worker.logs.length;
    await redis.start();
    const backAt = performance.now();
    const results = [];
    for (const id of ids) results.push(await producer.executionResult(id, 600_000));
    const report = {
      minutes: AWAY_MS / 60_000,
      rssMb: { first: rssMb[0], most: Math.max(...rssMb), last: rssMb.at(-1) },
      live: Object.fromEntries(probes),
      logLines: lines,
      secondsToAll: Math.round((performance.now() - backAt) / 1_000),
    };
    console.info(JSON.stringify(report));
    expect(report.live).toEqual({ 200: rssMb.length - 1 });
    expect(Math.max(...rssMb) - rssMb[0]!).toBeLessThan(GROWTH_MB);
    expect(results.filter(({ success }) => !success)).toEqual([]);
    expect(ids.every((id) => producer.resultsOf(id).length === 1)).toBe(true);
    expect(await worker.stop()).toEqual({ code: 0, signal: null });
  },
  AWAY_MS + 20 * 60_000,
);

/** Resident memory of the process in MB. */
function rssMbOf({ pid }: WorkerProcess): number {
  const [, kb] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))!;
  return Math.round(Number(kb) / 102.4) / 10;
}
