// `npm run bench:fairness`: how organizations share workers, through built workers. Prints one table; ends with 1 where a
// promise of docs/fair-order.md is broken. `--smoke` runs a small version that only shows that it works; names of rows after
// it run those alone: alone, one, many, shares, cancel, flood.
import { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ExecutionResult } from '../src/contract/result.ts';
import type { LaneRequest } from '../src/queue/fairness/lane-request.ts';
import { type BuiltWorker, startWorker } from './harness/built-worker.ts';
import { type BenchRedis, startRedis } from './harness/redis.ts';

const SMOKE = process.argv.includes('--smoke');
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const QUEUED = SMOKE ? 500 : 100_000;
const MANY_QUEUED = SMOKE ? 20 : 2_000;
const ASKED = SMOKE ? 5 : 200;
const SECONDS = SMOKE ? 5 : 60;
const ALONE = SMOKE ? 100 : 4_000;
const ROUNDS = SMOKE ? 1 : 5;
const WORKERS = 2;
const SLOTS = 4;
const LENGTH_MS = 100;
const CONTEXT_SECONDS = 36_000;
const AT_ONCE = 500;
const DIST = join(import.meta.dirname, '..', 'dist');

interface Lanes {
  Lanes: new (client: Redis, settings: object) => object;
}
interface Queueing {
  Queueing: new (
    queue: Queue,
    lanes: object,
  ) => { add(job: { name: string; data: object; lane: LaneRequest }, options: object): Promise<void> };
}
// As the API adds them, without HTTP.
const { Lanes } = (await import(join(DIST, 'queue/fairness/lanes.js'))) as Lanes;
const { Queueing } = (await import(join(DIST, 'queue/queueing.js'))) as Queueing;

const codeOf = (ms: number): string => `await new Promise((resolve) => setTimeout(resolve, ${ms}));`;

/** A queue with its workers, and what adds to it. */
class Stack {
  readonly client: Redis;
  readonly queue: Queue;
  private readonly queueing: InstanceType<Queueing['Queueing']>;
  private readonly redis: BenchRedis;
  private readonly name: string;
  private workers: BuiltWorker[] = [];

  constructor(redis: BenchRedis, name: string, isFair = true) {
    this.redis = redis;
    this.name = name;
    this.client = new Redis(redis.url, { maxRetriesPerRequest: null });
    this.queue = new Queue(name, { connection: this.client });
    const lanes = new Lanes(this.client, { isFair, bullPrefix: 'bull', name });
    this.queueing = new Queueing(this.queue, lanes);
  }

  async start(env: Record<string, string> = {}): Promise<void> {
    const settings = {
      REDIS_URL: this.redis.url,
      QUEUE_NAME: this.name,
      CONCURRENCY: String(SLOTS),
      RUNNER_MAX_EXECUTIONS: '0',
      RESULT_QUEUE: 'off',
      LOG_LEVEL: 'info',
      ...env,
    };
    this.workers = await Promise.all(
      Array.from({ length: WORKERS }, (_, n) => startWorker(`w${n + 1}`, settings)),
    );
  }

  get url(): string {
    return this.workers[0]!.url;
  }

  /** Ids of executions of this organization that were added, in lanes or past them. */
  async add(organization: string, count: number, ms = LENGTH_MS, directly = false): Promise<string[]> {
    const context = JSON.stringify({
      organization: { id: organization },
      workflow_code: codeOf(ms),
      timeout_seconds: 60,
    });
    const ids = Array.from({ length: count }, () => randomUUID());
    for (let at = 0; at < count; at += AT_ONCE) {
      const some = ids.slice(at, at + AT_ONCE);
      const write = this.client.pipeline();
      for (const id of some) write.set(`bifrost:exec:${id}:context`, context, 'EX', CONTEXT_SECONDS);
      await write.exec();
      const lane = {
        organization,
        band: 'interactive',
        priority: 0,
        workflow: null,
        key: null,
        limit: 1,
      } as const;
      await Promise.all(
        some.map((id) => {
          const data = { execution_id: id };
          return directly
            ? this.queue.add('execute', data, { jobId: id })
            : this.queueing.add({ name: 'execute', data, lane }, { jobId: id });
        }),
      );
    }
    return ids;
  }

  async weigh(organization: string, settings: object): Promise<void> {
    const response = await fetch(`${this.url}/organizations/${organization}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(settings),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  async cancel(id: string): Promise<void> {
    const response = await fetch(`${this.url}/executions/${id}`, { method: 'DELETE' });
    // 409: it has ended already.
    if (!response.ok && response.status !== 409) throw new Error(await response.text());
    await response.arrayBuffer();
  }

  async result(id: string): Promise<ExecutionResult> {
    for (;;) {
      const found = (await (await fetch(`${this.url}/executions/${id}?wait=60`)).json()) as ExecutionResult;
      if (found.finished_at) return found;
    }
  }

  /** One each second: for how many lengths of an execution, as long as they really took, each waited. */
  async waits(organization: string, count: number): Promise<Waits> {
    const waits: number[] = [];
    const lengths: number[] = [];
    for (let n = 0; n < count; n++) {
      const began = performance.now();
      const [id] = await this.add(organization, 1);
      const { queued_ms: queuedMs, duration_ms: durationMs } = await this.result(id!);
      waits.push(queuedMs ?? 0);
      lengths.push(durationMs);
      await sleep(Math.max(0, 1_000 - (performance.now() - began)));
    }
    const lengthMs = Math.max(LENGTH_MS, median(lengths));
    return { lengthMs, waits: waits.map((ms) => ms / lengthMs) };
  }

  /** Slot time of each, in milliseconds, of what ended between two moments: from taking a job to its end, as BullMQ says. */
  async slotTimes(
    ids: ReadonlyMap<string, string[]>,
    fromMs: number,
    toMs: number,
  ): Promise<Map<string, number>> {
    const times = new Map<string, number>();
    for (const [organization, all] of ids) {
      let sum = 0;
      for (let at = 0; at < all.length; at += AT_ONCE) {
        const read = this.client.pipeline();
        for (const id of all.slice(at, at + AT_ONCE))
          read.hmget(this.queue.toKey(id), 'processedOn', 'finishedOn');
        for (const [, times] of (await read.exec()) ?? []) {
          const [began, ended] = (times as (string | null)[]).map(Number) as [number, number];
          if (ended > 0) sum += Math.max(0, Math.min(toMs, ended) - Math.max(fromMs, began));
        }
      }
      times.set(organization, sum);
    }
    return times;
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.queue.close();
    this.client.disconnect();
  }
}

interface Waits {
  lengthMs: number;
  waits: number[];
}

interface Row {
  what: string;
  seen: string;
  promise: string;
  kept: boolean;
}

const sorted = (values: number[]): number[] => values.toSorted((a, b) => a - b);
const median = (values: number[]): number => sorted(values)[values.length >> 1] ?? 0;
/** The worst three, each with its place among all. */
const worstOf = (waits: number[]): string =>
  waits
    .map((wait, at) => ({ wait, at }))
    .toSorted((a, b) => b.wait - a.wait)
    .slice(0, 3)
    .map(({ wait, at }) => `${wait.toFixed(2)} (${at + 1}.)`)
    .join(', ');
const waitRow = (what: string, { waits, lengthMs }: Waits): Row => ({
  what,
  seen:
    `median ${median(waits).toFixed(2)}, worst ${worstOf(waits)} executions ` +
    `of ${Math.round(lengthMs)} ms, of ${waits.length}`,
  promise: 'median at most 1, worst at most 3',
  kept: median(waits) <= 1 && Math.max(...waits) <= 3,
});

const redis = await startRedis();
const withStack = async <T>(
  name: string,
  run: (stack: Stack) => Promise<T>,
  env: Record<string, string> = {},
): Promise<T> => {
  const stack = new Stack(redis, name, env['FAIR_ORDER'] !== 'off');
  await stack.start(env);
  try {
    return await run(stack);
  } finally {
    await stack.stop();
  }
};

const ROWS: Record<string, () => Promise<Row>> = {
  one: () =>
    withStack('one', async (stack) => {
      await stack.add('a', QUEUED);
      return waitRow(`behind ${QUEUED} of another`, await stack.waits('b', ASKED));
    }),

  many: () =>
    withStack('many', async (stack) => {
      for (let n = 0; n < 50; n++) await stack.add(`a${n}`, MANY_QUEUED);
      return waitRow(`behind ${MANY_QUEUED} of each of 50 others`, await stack.waits('b', ASKED));
    }),

  shares: () =>
    withStack('shares', async (stack) => {
      const weights = Array.from({ length: 10 }, (_, n) => n + 1);
      for (const weight of weights) await stack.weigh(`t${weight}`, { weight });
      const ids = new Map<string, string[]>();
      // Odd ones run ten times as long.
      for (const weight of weights) {
        const ms = weight % 2 === 0 ? 20 : 200;
        ids.set(`t${weight}`, await stack.add(`t${weight}`, SMOKE ? 200 : ms === 20 ? 8_000 : 2_000, ms));
      }
      const fromMs = Date.now() + 2_000;
      await sleep(2_000 + SECONDS * 1_000);
      const times = await stack.slotTimes(ids, fromMs, Date.now());
      const all = [...times.values()].reduce((sum, ms) => sum + ms);
      const off = weights.map((weight) => ((times.get(`t${weight}`)! / all) * 55) / weight - 1);
      return {
        what: `shares of weights 1 to 10, executions of 20 and 200 ms, ${SECONDS} s`,
        seen: `off by ${off.map((one) => `${(one * 100).toFixed(1)} %`).join(', ')}`,
        promise: 'within 5 %',
        kept: SMOKE || off.every((one) => Math.abs(one) <= 0.05),
      };
    }),

  cancel: () =>
    withStack('cancel', async (stack) => {
      const ids = await stack.add('a', QUEUED);
      await stack.add('b', SMOKE ? 200 : 5_000);
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        await Promise.all(ids.slice(at, at + AT_ONCE).map((id) => stack.cancel(id)));
      }
      return waitRow(
        `after ${QUEUED} of its own were cancelled`,
        await stack.waits('a', Math.min(ASKED, 30)),
      );
    }),

  flood: () =>
    withStack('flood', async (stack) => {
      await stack.add('b', 1);
      await stack.add('a', QUEUED, LENGTH_MS, true);
      const began = performance.now();
      const waits: { atMs: number; wait: number }[] = [];
      while (performance.now() - began < (SMOKE ? 10_000 : 60_000)) {
        const atMs = performance.now() - began;
        const [id] = await stack.add('b', 1);
        const { queued_ms: queuedMs } = await stack.result(id!);
        waits.push({ atMs, wait: (queuedMs ?? 0) / LENGTH_MS });
        await sleep(Math.max(0, 1_000 - (performance.now() - began - atMs)));
      }
      const unfair = waits.filter(({ wait }) => wait > 3).at(-1);
      const fairAtS = unfair === undefined ? 0 : unfair.atMs / 1_000 + (unfair.wait * LENGTH_MS) / 1_000;
      return {
        what: `${QUEUED} without a priority past the lanes`,
        seen: `fair again after ${fairAtS.toFixed(1)} s; worst wait before ${Math.max(...waits.map(({ wait }) => wait)).toFixed(0)} executions`,
        promise: 'within 30 s',
        kept: fairAtS <= 30,
      };
    }),

  alone: async () => {
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const rate = async (fair: 'on' | 'off'): Promise<number> =>
        withStack(
          `alone-${fair}-${round}`,
          async (stack) => {
            await stack.queue.pause();
            const ids = await stack.add('a', ALONE, 20);
            const began = performance.now();
            await stack.queue.resume();
            await Promise.all(ids.slice(-1).map((id) => stack.result(id)));
            return ALONE / (performance.now() - began);
          },
          { FAIR_ORDER: fair },
        );
      // Which comes first changes, as the machine does.
      const [first, second] = round % 2 === 0 ? (['on', 'off'] as const) : (['off', 'on'] as const);
      const [one, other] = [await rate(first), await rate(second)];
      ratios.push(first === 'on' ? one / other : other / one);
    }
    const loss = 1 - median(ratios);
    return {
      what: `an organization alone, executions of 20 ms, ${ROUNDS} pairs`,
      seen: `loses ${(loss * 100).toFixed(1)} % (${ratios.map((ratio) => ((1 - ratio) * 100).toFixed(1)).join(', ')})`,
      promise: 'at most 3 %, on a machine that does nothing else',
      kept: SMOKE || loss <= 0.03,
    };
  },
};

const rows: Row[] = [];
for (const [name, measure] of Object.entries(ROWS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const row = await measure();
  rows.push(row);
  console.log(`${name}: ${row.what}: ${row.seen} (${row.promise})`);
}
await redis.stop();
console.table(rows);
process.exit(rows.every(({ kept }) => kept) ? 0 : 1);
