import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionResult } from '../../src/contract/result.js';
import type { RunnerTotals, WorkerRecord } from '../../src/contract/worker-record.js';
import { aContext, SLOW_TO_COMPILE } from './builders.js';
import { type Footprint, footprintOf } from './processes/footprint.js';
import type { Producer } from './producer.js';
import type { TestRedis } from './servers/test-redis.js';
import { until } from './until.js';
import { heapMbOf, WITH_INSPECTOR } from './processes/worker-heap.js';
import type { WorkerOptions, WorkerProcess } from './processes/worker-process.js';

/** How many executions of which kind, and how many of them end by force. */
export interface SoakPlan {
  /** Name of the worker and of its queue. */
  id: string;
  env: Record<string, string>;
  executions: number;
  kills: number;
  /** Executions that are on the queue or running at once. */
  atOnce: number;
  /** Executions before the first look; default 60. */
  warmUp?: number;
}

/** What was there before and after, and what came of the executions. */
export interface SoakReport {
  before: Footprint;
  after: Footprint;
  /** Heap after garbage collection in MB, at equal distances. */
  heapMb: number[];
  /** Executions by their failure code, successes as `ok`. */
  ends: Record<string, number>;
  /** Ids with more or fewer than one result. */
  notOnce: string[];
  totals: RunnerTotals;
  seconds: number;
}

const CODE = 'export default ({ n }) => { console.log("n", n); return n * 2 }';
const HEAP_READINGS = 5;
const WARM_UP = 60;
const STEADY_MS = 60_000;

/** The ways in which executions are ended by force, and the failure code of each. */
export const KILLS: readonly [code: string, failure: string, timeoutSeconds?: number][] = [
  ['export default () => process.kill(process.pid, "SIGKILL")', 'RUNNER_CRASHED'],
  ['export default () => process.abort()', 'RUNNER_CRASHED'],
  ['export default () => process.exit(3)', 'USER_ERROR'],
  ['export default () => { for (;;); }', 'TIMED_OUT', 0.5],
  ['export default () => new Promise(() => setInterval(() => {}, 1000))', 'TIMED_OUT', 0.5],
  ['export default () => { const f = () => void Promise.resolve().then(f); f(); return new Promise(() => {}) }', 'TIMED_OUT', 0.5],
  ['export default () => { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)) }', 'OUT_OF_MEMORY'],
  ['export default () => { const all = []; for (;;) all.push(new Array(1e4).fill({})) }', 'OUT_OF_MEMORY'],
  ['export default () => { for (;;) console.log("x".repeat(1e4)) }', 'OUTPUT_LIMIT'],
  [`import fs from 'node:fs'; export default () => { fs.writeSync(3, 'forged\\n'); return new Promise(() => {}) }`, 'PROTOCOL_VIOLATION'],
]; // prettier-ignore

/** Runs executions on a worker of its own, ends some of them by force, and looks at what is left. */
export async function soak(
  plan: SoakPlan,
  producer: Producer,
  redis: TestRedis,
  startWorker: (options: WorkerOptions) => Promise<WorkerProcess>,
): Promise<SoakReport> {
  const tmpDir = await mkdtemp(join(tmpdir(), 'bifrost-soak-'));
  const worker = await startWorker({
    env: {
      REDIS_URL: redis.url,
      QUEUE_NAME: plan.id,
      WORKER_ID: plan.id,
      TMPDIR: tmpDir,
      MEMORY_LIMIT_MB: '192',
      OUTPUT_LIMIT_BYTES: '200000',
      ...WITH_INSPECTOR,
      ...plan.env,
    },
  });
  const client = redis.connect();
  // Not by HTTP, whose connections are descriptors of the worker.
  const record = async (): Promise<WorkerRecord> =>
    JSON.parse((await client.get(`bifrost:worker:${plan.id}`))!) as WorkerRecord;
  const look = async (since: number): Promise<Footprint | null> => {
    const latest = await record();
    // An older record may be about what was before.
    return Date.parse(latest.heartbeat_at) < since ? null : footprintOf(worker.pid, latest, tmpDir);
  };
  try {
    const startedAt = performance.now();
    await runAll(producer, Array.from({ length: plan.warmUp ?? WARM_UP }, easy), plan.atOnce);
    // Brings the second compiler, which a busy machine would bring later.
    await runAll(producer, [{ ...easy(null, 0), code: CODE + SLOW_TO_COMPILE }], 1);
    await untilTwoCompilers(worker);
    // The first look opens what stays open.
    const heapMb = [await heapMbOf(worker)];
    const before = await steady(look);
    const usedBefore = (await record()).runner_totals as RunnerTotals;
    const ends: Record<string, number> = {};
    const ids: string[] = [];
    for (const share of shares(plan)) {
      const results = await runAll(producer, share, plan.atOnce);
      for (const { execution_id: id, failure, result } of results) {
        ids.push(id);
        const end = failure?.code ?? (typeof result === 'number' ? 'ok' : 'wrong result');
        ends[end] = (ends[end] ?? 0) + 1;
      }
      heapMb.push(await heapMbOf(worker));
    }
    const after = await steady(look, before);
    const used = (await record()).runner_totals as RunnerTotals;
    return {
      before,
      after,
      heapMb: heapMb.map((mb) => Math.round(mb * 10) / 10),
      ends,
      notOnce: notOnce(producer, ids),
      totals: { started: used.started - usedBefore.started, used: used.used - usedBefore.used },
      seconds: Math.round((performance.now() - startedAt) / 1000),
    };
  } finally {
    await worker.stop();
    await rm(tmpDir, { recursive: true, force: true });
  }
}

async function untilTwoCompilers({ url }: WorkerProcess): Promise<void> {
  const readiness = async (): Promise<string> =>
    (await fetch(`${url}/health/ready`, { headers: { connection: 'close' } })).text();
  await until(async () => (await readiness()).includes('"compiler":{"processes":2'), {
    what: 'every compiler that is kept is there',
  });
}

interface Wanted {
  code: string;
  n: number;
  timeoutSeconds: number;
}

const easy = (_: unknown, n: number): Wanted => ({ code: CODE, n, timeoutSeconds: 60 });

/** The executions in equal parts, those that are ended by force evenly among them. */
function shares({ executions, kills }: SoakPlan): Wanted[][] {
  const all = Array.from({ length: executions }, easy);
  for (let i = 0; i < kills; i++) {
    const [code, , timeoutSeconds = 60] = KILLS[i % KILLS.length]!;
    all[Math.floor((i * executions) / kills)] = { code, n: 0, timeoutSeconds };
  }
  const size = Math.ceil(executions / HEAP_READINGS);
  return Array.from({ length: HEAP_READINGS }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Keeps `atOnce` executions under way until all have their result. */
async function runAll(producer: Producer, wanted: Wanted[], atOnce: number): Promise<ExecutionResult[]> {
  const open = new Set<string>();
  const results: ExecutionResult[] = [];
  const waiting = [...wanted];
  let seen = producer.received.length;
  while (results.length < wanted.length) {
    while (open.size < atOnce && waiting.length > 0) {
      const { code, n, timeoutSeconds } = waiting.shift()!;
      open.add(
        await producer.submitExecution(
          aContext({ workflow_code: code, parameters: { n }, timeout_seconds: timeoutSeconds }),
        ),
      );
    }
    await until(() => producer.received.length > seen, { what: 'another result' });
    for (; seen < producer.received.length; seen++) {
      const result = producer.received[seen] as ExecutionResult;
      if (open.delete(result.execution_id)) results.push(result);
    }
  }
  return results;
}

/** Waits until nothing runs and the worker holds no more than in `goal`, and says what it holds. */
async function steady(
  look: (since: number) => Promise<Footprint | null>,
  goal?: Footprint,
): Promise<Footprint> {
  const since = Date.now();
  let last: Footprint | null = null;
  const atRest = async (): Promise<boolean> => {
    const now = await look(since);
    if (now === null) return false;
    const same = JSON.stringify(now) === JSON.stringify(last);
    last = now;
    return same && now.slots === 0 && (goal === undefined || isWithin(now, goal));
  };
  // What it holds then is for the test to judge.
  await until(atRest, { timeoutMs: STEADY_MS, what: 'the worker is at rest' }).catch((error: unknown) => {
    if (last === null) throw error;
  });
  return last as unknown as Footprint;
}

/** Whether nothing of `now` is more than in `goal`. */
export const isWithin = (now: Footprint, goal: Footprint): boolean =>
  (Object.keys(goal) as (keyof Footprint)[]).every((key) => now[key] <= goal[key]);

function notOnce(producer: Producer, ids: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const result of producer.received) {
    const id = 'taskId' in result ? result.taskId : result.execution_id;
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return ids.filter((id) => counts.get(id) !== 1);
}
