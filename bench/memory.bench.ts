// `npm run bench:memory`: what a worker keeps of executions that have ended. 100,000 in a row on reused runners; every 10,000
// its heap after a collection, its resident memory and its descriptors. Ends with 1 where one of them grows.
// `--smoke` runs a small version that only shows that it works.
import { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type BuiltWorker, startWorker } from './harness/built-worker.ts';
import { freePort } from './harness/free-port.ts';
import { heapMbAt } from './harness/process-tree.ts';
import { startRedis } from './harness/redis.ts';
import { sampleOf } from './harness/statistics.ts';

const SMOKE = process.argv.includes('--smoke');
const EXECUTIONS = SMOKE ? 1_000 : 100_000;
const LOOKS = 10;
/** Caches fill, V8 learns, the pool comes to its size. */
const WARM_UP_LOOKS = 2;
/** Looks at either end that are compared, by their median. */
const COMPARED = 3;
const QUEUED_AHEAD = 2_000;
const AT_ONCE = 500;
const POLL_MS = 20;
const QUEUE = 'memory';
const RESULT_SECONDS = 60;
const RUNNERS = 8;
/**
 * Between the first and the last looks, of which 50,000 executions are apart. A leak of 100 bytes each is 5 MB. Two files of /proc stay open for each
 * runner from its first execution on that takes longer than 25 ms, which on a busy machine may come late.
 */
const MAY_GROW = { 'heap, MB': 2, 'resident, MB': 16, descriptors: 4 + 2 * RUNNERS } as const;
type Quantity = keyof typeof MAY_GROW;

const redis = await startRedis({ persistent: false });
const client = new Redis(redis.url, { maxRetriesPerRequest: null });
const queue = new Queue(QUEUE, { connection: client });
const inspectorPort = await freePort();
const worker = await startWorker('memory', {
  REDIS_URL: redis.url,
  QUEUE_NAME: QUEUE,
  CONCURRENCY: String(RUNNERS),
  RUNNER_MAX_EXECUTIONS: '0',
  RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
  RESULT_TTL_SECONDS: String(RESULT_SECONDS),
  LOG_LEVEL: 'info',
  NODE_OPTIONS: `--inspect=127.0.0.1:${inspectorPort}`,
});

/** JavaScript heap of the worker in MB, right after a full collection. */
async function heapMb(): Promise<number> {
  const [target] = (await (await fetch(`http://127.0.0.1:${inspectorPort}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  return heapMbAt(target!.webSocketDebuggerUrl);
}

async function look({ pid }: BuiltWorker): Promise<Record<Quantity, number>> {
  const heap = await heapMb();
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  return { 'heap, MB': heap, 'resident, MB': resident, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

async function add(count: number): Promise<void> {
  const context = JSON.stringify({ workflow_code: 'return 1', timeout_seconds: 60 });
  const ids = Array.from({ length: count }, () => randomUUID());
  const write = client.pipeline();
  for (const id of ids) write.set(`bifrost:exec:${id}:context`, context, 'EX', 600);
  await write.exec();
  await queue.addBulk(
    ids.map((id) => ({
      name: 'execute',
      data: { execution_id: id },
      opts: { jobId: id, removeOnComplete: true },
    })),
  );
}

const seen: Record<Quantity, number>[] = [];
let added = 0;
while (seen.length < LOOKS) {
  const [waiting, active] = [await queue.getWaitingCount(), await queue.getActiveCount()];
  const ended = added - waiting - active;
  if (ended >= ((seen.length + 1) * EXECUTIONS) / LOOKS) {
    const now = await look(worker);
    seen.push(now);
    console.log(
      `after ${ended}: ${Object.entries(now)
        .map(([name, value]) => `${name} ${value.toFixed(1)}`)
        .join(', ')}`,
    );
  }
  if (added < EXECUTIONS && waiting < QUEUED_AHEAD) {
    const count = Math.min(AT_ONCE, EXECUTIONS - added);
    await add(count);
    added += count;
  } else await sleep(POLL_MS);
}
if ((await queue.getFailedCount()) > 0) throw new Error('executions have failed: these figures say nothing');

const median = (looks: readonly Record<Quantity, number>[], name: Quantity): number =>
  sampleOf(looks.map((one) => one[name])).median;
const rows = (Object.keys(MAY_GROW) as Quantity[]).map((name) => {
  const before = median(seen.slice(WARM_UP_LOOKS, WARM_UP_LOOKS + COMPARED), name);
  const grown = median(seen.slice(-COMPARED), name) - before;
  return {
    name,
    before: before.toFixed(1),
    grown: grown.toFixed(1),
    mayGrow: MAY_GROW[name],
    holds: SMOKE || grown <= MAY_GROW[name],
  };
});
console.table(rows);
await worker.stop();
await queue.close();
client.disconnect();
await redis.stop();
process.exit(rows.every(({ holds }) => holds) ? 0 : 1);
