// `npm run bench:redis`: what it costs to send commands to Redis one by one, gathered by
// src/redis/gathered-writes.ts, and by the automatic pipelines of ioredis. The three take turns against one real
// redis-server, so that what slows the machine for a while slows all of them.
// `--smoke` runs a small version that only shows that it works.
import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import { startRedis } from './harness/redis.ts';
import { pairedRatio, quantile, sampleOf } from './harness/statistics.ts';

const OURS = new URL('../dist/redis/gathered-writes.js', import.meta.url);
const { gatherWrites } = (await import(OURS.href)) as {
  gatherWrites: (client: Redis) => void;
};

const SMOKE = process.argv.includes('--smoke');
const ROUNDS = SMOKE ? 2 : 15;
const EXECUTIONS = SMOKE ? 200 : 6_000;
const CONCURRENCIES = [1, 8, 32];
const WAYS = ['one by one', 'gathered writes', 'automatic pipelines'] as const;
type Way = (typeof WAYS)[number];

/** Several keys and arguments in a hash and a stream, as the scripts of the ledger have them. */
const SCRIPT = `
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'owner', ARGV[2])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100, '*', 'e', ARGV[3])
return redis.call('HGET', KEYS[1], 'state')`;
const SHA = createHash('sha1').update(SCRIPT).digest('hex');
const COMMANDS = 6;
const RESULT = 'x'.repeat(1_200);

interface Cost {
  perSecond: number;
  clientUs: number;
  serverUs: number;
  p99Ms: number;
}

/** The commands of one execution: some that wait for each other, and some that are sent together. */
async function execution(client: Redis, id: number): Promise<void> {
  const key = `bench:{${id % 100}}`;
  await client.get(`${key}:context`);
  await client.evalsha(SHA, 2, `${key}:state`, `${key}:log`, 'running', 'worker', 'begin');
  await client.evalsha(SHA, 2, `${key}:state`, `${key}:log`, 'ended', 'worker', RESULT);
  await Promise.all([
    client.xadd(`${key}:log`, 'MAXLEN', '~', 100, '*', 'e', 'end'),
    client.set(`${key}:result`, RESULT, 'EX', 60),
    client.publish('bench:events', String(id)),
  ]);
}

async function measure(client: Redis, server: Redis, concurrency: number): Promise<Cost> {
  let next = 0;
  const latencies: number[] = [];
  const serverBefore = await serverSeconds(server);
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (next < EXECUTIONS) {
        const sentMs = performance.now();
        await execution(client, next++);
        latencies.push(performance.now() - sentMs);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  const used = process.cpuUsage(cpu);
  const commands = EXECUTIONS * COMMANDS;
  return {
    perSecond: commands / seconds,
    clientUs: (used.user + used.system) / commands,
    serverUs: (((await serverSeconds(server)) - serverBefore) * 1e6) / commands,
    p99Ms: quantile(latencies, 0.99),
  };
}

async function serverSeconds(server: Redis): Promise<number> {
  const text = await server.info('cpu');
  const of = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(text)?.[1]);
  return of('used_cpu_sys') + of('used_cpu_user');
}

async function connect(url: string, way: Way): Promise<Redis> {
  const client = new Redis(url, { enableAutoPipelining: way === 'automatic pipelines', lazyConnect: true });
  if (way === 'gathered writes') gatherWrites(client);
  await client.connect();
  await client.script('LOAD', SCRIPT);
  return client;
}

const redis = await startRedis({ persistent: false });
const server = new Redis(redis.url);
const clients = new Map<Way, Redis>();
for (const way of WAYS) clients.set(way, await connect(redis.url, way));

const rows: string[] = [];
for (const concurrency of CONCURRENCIES) {
  const costs = new Map<Way, Cost[]>(WAYS.map((way) => [way, []]));
  for (let round = -1; round < ROUNDS; round += 1) {
    // A different one is first in each round; the first round only warms up.
    const order = WAYS.map((_, at) => WAYS[(at + round + 1) % WAYS.length] as Way);
    for (const way of order) {
      const cost = await measure(clients.get(way) as Redis, server, concurrency);
      if (round >= 0) costs.get(way)?.push(cost);
    }
  }
  for (const way of WAYS) {
    const show = (figure: keyof Cost, digits: number): string => {
      const own = sampleOf((costs.get(way) as Cost[]).map((cost) => cost[figure]));
      const base = sampleOf((costs.get('gathered writes') as Cost[]).map((cost) => cost[figure]));
      const ratio = pairedRatio(own, base);
      const spread = `${quantile(ratio.values, 0.25).toFixed(2)} to ${quantile(ratio.values, 0.75).toFixed(2)}`;
      return `${own.median.toFixed(digits)} | ${ratio.median.toFixed(2)} (${spread})`;
    };
    rows.push(
      `| ${concurrency} | ${way} | ${show('perSecond', 0)} | ${show('clientUs', 1)} | ${show('serverUs', 1)} | ${show('p99Ms', 2)} |`,
    );
  }
}
console.log(
  '| at once | way | commands per s | / gathered | client CPU, µs each | / gathered | server CPU, µs each | / gathered | p99 ms | / gathered |',
);
console.log(`|${' --- |'.repeat(10)}`);
console.log(rows.join('\n'));

for (const client of [...clients.values(), server]) client.disconnect();
await redis.stop();
