// What compiling costs: the latency of code that no worker has seen, in turns with another build where one is
// named, and the same beside source that keeps a compiler busy.
//
//   node bench/compile.bench.ts [--against FOLDER]    FOLDER: a checkout that is built
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type BuiltWorker, startWorker } from './harness/built-worker.ts';
import { startRedis } from './harness/redis.ts';
import { quantile } from './harness/statistics.ts';

const ROUNDS = 10;
const PER_ROUND = 20;
const BESIDE = 40;

const POISONS: Record<string, string> = {
  'exponential parsing': `${'a ? (b, c) : d => '.repeat(30)}e`,
  'a stack that overflows': `${'~'.repeat(450_000)}x`,
  'an enum that doubles': `enum E { m0 = "xxxxxxxxxxxxxxxx", ${Array.from({ length: 30 }, (_, at) => `m${at + 1} = m${at} + m${at}`).join(', ')} }`,
};

/** Sends one execution and waits for its result. */
async function run(
  worker: BuiltWorker,
  code: string,
  timeoutSeconds = 60,
): Promise<{ ms: number; status: string }> {
  const startedAt = performance.now();
  const response = await fetch(`${worker.url}/executions?wait=90`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workflow_code: code, function_name: null, timeout_seconds: timeoutSeconds }),
  });
  const { status } = (await response.json()) as { status: string };
  return { ms: performance.now() - startedAt, status };
}

async function latencies(worker: BuiltWorker, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { ms, status } = await run(worker, `const marker: string = '${randomUUID()}';`);
    if (status !== 'succeeded') throw new Error(`a no-op ended ${status}`);
    times.push(ms);
  }
  return times;
}

const show = (times: readonly number[]): string =>
  `p50 ${quantile(times, 0.5).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms, worst ${Math.max(...times).toFixed(1)} ms`;

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const redis = await startRedis();
const start = (id: string, main?: string): Promise<BuiltWorker> =>
  startWorker(id, { REDIS_URL: redis.url, KEY_PREFIX: `${id}:`, CONCURRENCY: '2' }, main);
const builds: Record<string, BuiltWorker> = { 'this build': await start('this') };
if (values.against !== undefined)
  builds['other build'] = await start('other', join(values.against, 'dist', 'main.js'));

const seen: Record<string, number[]> = Object.fromEntries(Object.keys(builds).map((name) => [name, []]));
for (const worker of Object.values(builds)) await latencies(worker, PER_ROUND);
for (let round = 0; round < ROUNDS; round += 1)
  for (const [name, worker] of Object.entries(builds))
    seen[name]?.push(...(await latencies(worker, PER_ROUND)));
for (const [name, times] of Object.entries(seen)) console.log(`new inline code, ${name}: ${show(times)}`);

const own = builds['this build'] as BuiltWorker;
for (const [name, code] of Object.entries(POISONS)) {
  const times: number[] = [];
  const poison = { ended: '' };
  const done = run(own, `${code}\n// ${randomUUID()}`, 5).then(({ status, ms }) => {
    poison.ended = `${status} after ${(ms / 1000).toFixed(1)} s`;
  });
  while (poison.ended === '' && times.length < BESIDE) times.push(...(await latencies(own, 1)));
  console.log(`beside ${name}: ${show(times)} (${times.length} executions)`);
  await done;
  console.log(`  which ended ${poison.ended}`);
}
await Promise.all(Object.values(builds).map((worker) => worker.stop()));
await redis.stop();
process.exit(0);
