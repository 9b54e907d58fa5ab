// `npm run bench:console`: what the console costs a browser, measured in Chromium against a built worker: the first view
// and its bytes, frames while 300 executions a second end, a list of 100,000 rows, a log of 100,000 lines, and the memory
// of a page that stays open. Prints one line each. Needs Chromium on PATH.
//
//   npm run bench:console                  everything, with ten minutes for the memory
//   npm run bench:console -- memory 60     only the memory, over 60 minutes; also view, frames, rows, lines
//   npm run bench:console -- --smoke       a small version that only shows that it works
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, Page } from 'playwright-core';
import { startWorker } from './harness/built-worker.ts';
import { openChromium } from './harness/chromium.ts';
import { EndedExecutions } from './harness/ended-executions.ts';
import { startRedis } from './harness/redis.ts';
import { quantile, sampleOf } from './harness/statistics.ts';

const SMOKE = process.argv.includes('--smoke');
const [part, minutes] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const PER_SECOND = SMOKE ? 30 : 300;
/** Of the measurement of memory: a page stays open while a system works, not while it is flooded. */
const CALM_PER_SECOND = 20;
const SECONDS = SMOKE ? 3 : 20;
const ROWS = SMOKE ? 2_000 : 100_000;
const LINES = SMOKE ? 2_000 : 100_000;
const MINUTES = SMOKE ? 0.2 : Number(minutes ?? 10);
const VIEWS = SMOKE ? 2 : 9;
const PAGE = 500;
const MB = 1_000_000;

interface Bench {
  browser: Browser;
  url: string;
  redisUrl: string;
}

/** What is measured, with the most or the least that is wanted of it. */
let isBroken = false;
function report(name: string, text: string, isKept: boolean): void {
  console.log(`${name.padEnd(34)} ${text}${isKept ? '' : '   NOT KEPT'}`);
  if (!isKept && !SMOKE) isBroken = true;
}

const open = async ({ browser, url }: Bench): Promise<Page> =>
  (await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 900 } })).newPage();

/** The first view with nothing in the browser's store, until the overview shows its figures. */
async function measureView(bench: Bench): Promise<void> {
  const times: number[] = [];
  let bytes = { scripts: 0, all: 0 };
  for (let n = 0; n < VIEWS; n++) {
    const page = await open(bench);
    await page.goto('/');
    await page.getByText('Slots in use').first().waitFor();
    times.push(await page.evaluate(() => performance.now()));
    bytes = await page.evaluate(() => {
      const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[];
      const sum = (some: readonly PerformanceResourceTiming[]): number =>
        some.reduce((total, { encodedBodySize }) => total + encodedBodySize, 0);
      const assets = files.filter(({ name }) => name.includes('/console/assets/'));
      return { scripts: sum(assets.filter(({ name }) => name.endsWith('.js'))), all: sum(assets) };
    });
    await page.context().close();
  }
  const { median, max } = sampleOf(times);
  report(
    'first view',
    `median ${median.toFixed(0)} ms, worst of ${VIEWS} ${max.toFixed(0)} ms`,
    median < 1_000,
  );
  report(
    'its bytes',
    `${(bytes.scripts / 1_024).toFixed(1)} KiB of scripts, ${(bytes.all / 1_024).toFixed(1)} KiB with styles`,
    bytes.scripts <= 150 * 1_024,
  );
}

/** Gaps between frames of the page, in milliseconds, over a time. */
const framesOf = (page: Page, seconds: number): Promise<number[]> =>
  // As text: the types of a document are not those of this program.
  page.evaluate<number[]>(`new Promise((resolve) => {
    const gaps = [];
    const startedAt = performance.now();
    let before = startedAt;
    const frame = (now) => {
      gaps.push(now - before);
      before = now;
      if (now - startedAt < ${seconds * 1_000}) requestAnimationFrame(frame);
      else resolve(gaps.slice(1));
    };
    requestAnimationFrame(frame);
  })`);

/** Frames of each whole second. */
function framesBySecond(gaps: readonly number[]): number[] {
  const counts: number[] = [];
  let at = 0;
  for (const gap of gaps) {
    at += gap;
    const second = Math.floor(at / 1_000);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  // A second without any frame is a hole; the last one is not whole.
  return Array.from(counts, (count) => count ?? 0).slice(0, -1);
}

function reportFrames(name: string, gaps: readonly number[]): void {
  const seconds = framesBySecond(gaps);
  const mean = seconds.reduce((sum, count) => sum + count, 0) / seconds.length;
  const worst = Math.min(...seconds);
  report(
    name,
    `${mean.toFixed(1)} frames/s, worst second ${worst}, gap p99 ${quantile(gaps, 0.99).toFixed(0)} ms, longest ${Math.max(...gaps).toFixed(0)} ms`,
    worst >= 30,
  );
}

async function measureFrames(bench: Bench): Promise<void> {
  const executions = new EndedExecutions(bench.redisUrl);
  executions.start(PER_SECOND);
  try {
    for (const [path, sign] of [
      ['/console/executions', 'live'],
      ['/', 'Slots in use'],
    ] as const) {
      const page = await open(bench);
      await page.goto(path);
      await page.getByText(sign, { exact: true }).first().waitFor();
      await sleep(2_000);
      const before = executions.ended;
      const startedAt = performance.now();
      const gaps = await framesOf(page, SECONDS);
      const rate = (executions.ended - before) / ((performance.now() - startedAt) / 1_000);
      reportFrames(`${path} at ${rate.toFixed(0)} ends/s`, gaps);
      await page.context().close();
    }
  } finally {
    await executions.stop();
  }
}

/** A page of the list, in the place of the API's: a history of 100,000 need not be made for it. */
function listing(from: number): object {
  const length = Math.max(0, Math.min(PAGE, ROWS - from));
  const executions = Array.from({ length }, (_, n) => {
    const at = new Date(Date.UTC(2026, 10, 28) - (from + n) * 1_000).toISOString();
    return {
      execution_id: `execution-${from + n}`,
      run: 1,
      schedule: null,
      again_of: null,
      status: n % 20 === 0 ? 'failed' : 'succeeded',
      failure_code: n % 20 === 0 ? 'USER_ERROR' : null,
      error_type: null,
      error: n % 20 === 0 ? 'it did not work' : null,
      workflow_id: `workflow-${n % 20}`,
      organization_id: null,
      caller_id: null,
      caller_email: null,
      worker_id: 'worker-1',
      attempt: 1,
      tags: [],
      started_at: at,
      finished_at: at,
      duration_ms: n,
      queued_ms: 1,
    };
  });
  const next = from + length;
  return { executions, next_cursor: next < ROWS ? String(next) : null, history_away: null };
}

async function measureRows(bench: Bench): Promise<void> {
  const page = await open(bench);
  await page.route(/\/executions\?/, (route) => {
    const { searchParams } = new URL(route.request().url());
    return route.fulfill({ json: listing(Number(searchParams.get('cursor') ?? 0)) });
  });
  await page.goto('/console/executions');
  const list = page.getByRole('list', { name: 'Executions' });
  await list.getByText('execution-0').waitFor();
  const startedAt = performance.now();
  for (;;) {
    await list.evaluate((element) => (element.scrollTop = element.scrollHeight));
    const shown = await page.evaluate<string>(
      String.raw`/([\d,]+) shown/.exec(document.body.innerText)?.[1] ?? '0'`,
    );
    if (Number(shown.replaceAll(',', '')) >= ROWS) break;
    await sleep(5);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const scrolling = framesOf(page, SMOKE ? 2 : 6);
  for (let n = 1; n <= 60; n++) {
    await list.evaluate(
      (element, part) => (element.scrollTop = element.scrollHeight * part),
      ((n * 37) % 60) / 60,
    );
    await sleep(SMOKE ? 20 : 80);
  }
  const gaps = await scrolling;
  reportFrames(`${ROWS} rows, jumping about`, gaps);
  const { heap, nodes } = await memoryOf(page);
  report(
    `${ROWS} rows`,
    `read in ${seconds.toFixed(1)} s, heap ${(heap / MB).toFixed(1)} MB, ${nodes} nodes of the document`,
    nodes < 5_000,
  );
  await page.context().close();
}

async function measureLines(bench: Bench): Promise<void> {
  const page = await open(bench);
  const view = { execution_id: 'many-lines', status: 'running', attempt: 1, worker_id: 'w' };
  const at = '/executions/many-lines';
  await page.route(
    ({ pathname }) => pathname === at,
    (route) => route.fulfill({ json: view }),
  );
  const entries = Array.from({ length: LINES }, (_, n) => {
    const data = {
      attempt: 1,
      run: 'r',
      n,
      ts: '2026-11-28T00:00:00.000Z',
      level: 'info',
      stream: 'stdout',
      message: `line ${n + 1} of a log that is long`,
    };
    return `id: ${n + 1}-0\nevent: log\ndata: ${JSON.stringify(data)}\n\n`;
  });
  const end = `id: ${LINES + 1}-0\nevent: end\ndata: ${JSON.stringify({ attempt: 1, run: 'r', n: LINES, ts: '2026-11-28T00:00:01.000Z', status: 'succeeded' })}\n\n`;
  await page.route(
    ({ pathname }) => pathname === `${at}/logs`,
    (route) => route.fulfill({ contentType: 'text/event-stream', body: entries.join('') + end }),
  );
  const startedAt = performance.now();
  await page.goto(`/console${at}`);
  await page.getByText('complete').waitFor();
  const seconds = (performance.now() - startedAt) / 1_000;
  const log = page.getByRole('log', { name: 'Log' });
  const scrolling = framesOf(page, SMOKE ? 2 : 6);
  for (let n = 1; n <= 60; n++) {
    await log.evaluate(
      (element, part) => (element.scrollTop = element.scrollHeight * part),
      ((n * 37) % 60) / 60,
    );
    await sleep(SMOKE ? 20 : 80);
  }
  reportFrames(`${LINES} lines, jumping about`, await scrolling);
  const { heap, nodes } = await memoryOf(page);
  report(
    `${LINES} lines`,
    `read in ${seconds.toFixed(1)} s, heap ${(heap / MB).toFixed(1)} MB, ${nodes} nodes of the document`,
    nodes < 5_000,
  );
  await page.context().close();
}

/** What a page holds after its garbage is collected. */
async function memoryOf(page: Page): Promise<{ heap: number; nodes: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  await session.send('Performance.enable');
  const { metrics } = await session.send('Performance.getMetrics');
  await session.detach();
  const value = (name: string): number => metrics.find((one) => one.name === name)?.value ?? Number.NaN;
  return { heap: value('JSHeapUsedSize'), nodes: value('Nodes') };
}

/** A page that is left open; what it holds is measured each minute, and what an hour would add is the slope of that. */
async function measureMemory(bench: Bench): Promise<void> {
  const executions = new EndedExecutions(bench.redisUrl);
  executions.start(CALM_PER_SECOND);
  try {
    for (const [path, sign] of [
      ['/', 'Slots in use'],
      ['/console/executions', 'live'],
    ] as const) {
      const page = await open(bench);
      await page.goto(path);
      await page.getByText(sign, { exact: true }).first().waitFor();
      await stayOpen(page, path);
      await page.context().close();
    }
  } finally {
    await executions.stop();
  }
}

async function stayOpen(page: Page, path: string): Promise<void> {
  const everyMs = SMOKE ? 2_000 : 60_000;
  // The chart and the list fill up first: that is not growth.
  await sleep(SMOKE ? 1_000 : Math.min(MINUTES * 15_000, 630_000));
  const samples: { atMs: number; heap: number; nodes: number }[] = [];
  const startedAt = performance.now();
  do {
    samples.push({ atMs: performance.now() - startedAt, ...(await memoryOf(page)) });
    await sleep(everyMs);
  } while (performance.now() - startedAt < MINUTES * 60_000);
  samples.push({ atMs: performance.now() - startedAt, ...(await memoryOf(page)) });
  const perHour = slopeOf(samples) * 3_600_000;
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) throw new Error('nothing was measured');
  report(
    `${path} open for ${(last.atMs / 60_000).toFixed(1)} min`,
    `heap ${(first.heap / MB).toFixed(1)} -> ${(last.heap / MB).toFixed(1)} MB, ${(perHour / MB).toFixed(1)} MB an hour by its slope, nodes ${first.nodes} -> ${last.nodes}`,
    perHour < 30 * MB,
  );
}

/** Least squares, in bytes a millisecond. */
function slopeOf(samples: readonly { atMs: number; heap: number }[]): number {
  const mean = (of: (sample: { atMs: number; heap: number }) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [time, heap] = [mean(({ atMs }) => atMs), mean((sample) => sample.heap)];
  const above = samples.reduce((sum, sample) => sum + (sample.atMs - time) * (sample.heap - heap), 0);
  const below = samples.reduce((sum, { atMs }) => sum + (atMs - time) ** 2, 0);
  return above / below;
}

const PARTS = {
  view: measureView,
  frames: measureFrames,
  rows: measureRows,
  lines: measureLines,
  memory: measureMemory,
};
if (part !== undefined && !(part in PARTS))
  throw new Error(`one of ${Object.keys(PARTS).join(', ')}, not ${part}`);

const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-console-'));
const redis = await startRedis();
const worker = await startWorker('w1', {
  REDIS_URL: redis.url,
  ROLES: 'api,archive',
  ARCHIVE_DIR: join(folder, 'archive'),
});
const browser = await openChromium();
try {
  // Until the history is open, the list says that it is missing.
  while (!(await fetch(`${worker.url}/executions?status=succeeded&limit=1`)).ok) await sleep(200);
  const bench = { browser, url: worker.url, redisUrl: redis.url };
  for (const [name, measure] of Object.entries(PARTS))
    if (part === undefined || part === name) await measure(bench);
} finally {
  await browser.close();
  await worker.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isBroken ? 1 : 0;
