// `npm run bench:live`: how soon a printed line is on the event stream, and what an execution that prints
// 100,000 lines costs those beside it, through a built worker. Prints one table; ends with 1 where a promise
// of docs/guarantees.md is broken. `--smoke` runs a small version that only shows that it works.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorker } from './harness/built-worker.ts';
import { startRedis } from './harness/redis.ts';

const SMOKE = process.argv.includes('--smoke');
const SECONDS = SMOKE ? 2 : 5;
const LINES = SMOKE ? 5_000 : 100_000;
const ROUNDS = SMOKE ? 1 : 3;
const MAX_LATENCY_MS = 300;
const MAX_SLOWDOWN = 4 / 3;

interface Result {
  status: string;
  duration_ms: number;
  started_at: string;
  finished_at: string;
  logs_truncated: boolean;
  logs: { message: string }[];
  result: unknown;
}
interface Event {
  id: string;
  type: string;
  data: { ts: string; message?: string };
  at: number;
}

async function submit(url: string, code: string, timeout = 120): Promise<string> {
  const response = await fetch(`${url}/executions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workflow_code: code, function_name: 'default', timeout_seconds: timeout }),
  });
  if (response.status !== 202) throw new Error(await response.text());
  return ((await response.json()) as { execution_id: string }).execution_id;
}

async function resultOf(url: string, id: string): Promise<Result> {
  for (;;) {
    const response = await fetch(`${url}/executions/${id}?wait=60`);
    const result = (await response.json()) as Result;
    if (result.finished_at) return result;
  }
}

/** Follows the log until its end, or until `enough`. */
async function follow(url: string, id: string, lastId?: string, enough?: (events: Event[]) => boolean) {
  const headers = { accept: 'text/event-stream', ...(lastId ? { 'last-event-id': lastId } : {}) };
  const request = get(`${url}/executions/${id}/logs`, { headers });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const events: Event[] = [];
  let rest = '';
  try {
    for await (const chunk of response.setEncoding('utf8')) {
      const blocks = (rest + String(chunk)).split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? '';
        if (field('data') === '') continue;
        const data = JSON.parse(field('data')) as Event['data'];
        events.push({ id: field('id'), type: field('event'), data, at: Date.now() });
        if (enough?.(events)) return events;
      }
    }
    return events;
  } finally {
    request.destroy();
  }
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const median = (values: number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] as number;

async function latencies(url: string): Promise<{ worst: number; missed: boolean }> {
  const code = `export default async () => { for (let n = 0; n < ${SECONDS}; n++) {
    console.log('line', n, Date.now()); await new Promise((r) => setTimeout(r, 1000)); } }`;
  const id = await submit(url, code);
  const all = follow(url, id);
  const half = await follow(url, id, undefined, (events) => events.filter(isLog).length === SECONDS >> 1);
  const rest = await follow(url, id, half.at(-1)?.id);
  const lines = (await all).filter(isLog);
  const lateness = lines.map(({ at, data }) => at - Number(data.message?.split(' ')[2]));
  const ids = [...half, ...rest].map((event) => event.id).join();
  return { worst: Math.max(...lateness), missed: ids !== (await all).map((event) => event.id).join() };
}

const isLog = ({ type }: Event): boolean => type === 'log';

/** Four executions that compute for about a second of processor time each, with pauses, as workflows do. */
const NORMAL: Record<string, string> = {
  computing: `export default () => { let x = 0; const until = process.cpuUsage().user + 1_000_000;
    while (process.cpuUsage().user < until) for (let i = 0; i < 1e5; i++) x += Math.sqrt(i); return x; }`,
  waiting: `export default async () => { for (let n = 0; n < 40; n++) { console.log('step', n);
    let x = 0; for (let i = 0; i < 1e6; i++) x += Math.sqrt(i); await new Promise((r) => setTimeout(r, 20)); } }`,
};
const FLOOD = `export default async () => { for (let n = 0; n < ${LINES}; n++)
  console.log('line ' + n + ' of an execution that prints much more than anybody will ever read'); }`;

async function four(url: string, code: string): Promise<number> {
  const ids = await Promise.all([1, 2, 3, 4].map(() => submit(url, code)));
  const results = await Promise.all(ids.map((id) => resultOf(url, id)));
  return median(results.map(({ duration_ms }) => duration_ms));
}

async function beside(url: string, pid: number, code: string) {
  let peakMb = 0;
  const poll = setInterval(() => (peakMb = Math.max(peakMb, rssMb(pid))), 50);
  const alone: number[] = [];
  const crowded: number[] = [];
  const floods: Result[] = [];
  await four(url, code);
  const beforeMb = rssMb(pid);
  for (let round = 0; round < ROUNDS; round += 1) {
    alone.push(await four(url, code));
    const flood = await submit(url, FLOOD);
    await follow(url, flood, undefined, (events) => events.some(isLog));
    crowded.push(await four(url, code));
    floods.push(await resultOf(url, flood));
    await sleep(500);
  }
  clearInterval(poll);
  return { alone: median(alone), crowded: median(crowded), floods, beforeMb, peakMb };
}

const redis = await startRedis({ persistent: false });
const worker = await startWorker('bench', { REDIS_URL: redis.url, CONCURRENCY: '5' });
try {
  const { worst, missed } = await latencies(worker.url);
  console.log(
    `a line is on the event stream after ${worst} ms at most; resuming missed ${missed ? 'SOMETHING' : 'nothing'}`,
  );
  let broken = worst > MAX_LATENCY_MS || missed;
  for (const [kind, code] of Object.entries(NORMAL)) {
    const { alone, crowded, floods, beforeMb, peakMb } = await beside(worker.url, worker.pid, code);
    const slowdown = crowded / alone;
    const flood = floods.at(-1) as Result;
    console.log(
      `4 ${kind}: ${alone.toFixed(0)} ms, beside ${LINES} lines ${crowded.toFixed(0)} ms (${((slowdown - 1) * 100).toFixed(0)} % slower); ` +
        `the lines took ${floods.map(({ duration_ms }) => (duration_ms / 1000).toFixed(1)).join(', ')} s, truncated: ${flood.logs_truncated}, ` +
        `kept ${flood.logs.length}; memory of the worker ${beforeMb.toFixed(0)} -> ${peakMb.toFixed(0)} MB at most`,
    );
    broken ||= !SMOKE && slowdown > MAX_SLOWDOWN;
    broken ||= !SMOKE && !flood.logs_truncated;
  }
  process.exitCode = broken ? 1 : 0;
} finally {
  await worker.stop();
  await redis.stop();
}
