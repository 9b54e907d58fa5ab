// `npm run bench:pair -- --other FOLDER`: this checkout against another one that is built, and against BullMQ's sandbox,
// in turns. Each has a redis-server of its own, so that the processor time of worker, runners and Redis can be told apart.
// `--runner reused|threads|single-use`, `--rounds N`, `--batch N`, `--env NAME=VALUE` (for this checkout alone), `--flag --V8-FLAG` (likewise).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Contestant } from './harness/contestant.ts';
import {
  CHILDREN_RESULTS,
  REUSED,
  SINGLE_USE_DEFAULT,
  THREAD,
  THREADS_RESULTS,
} from './harness/contestants.ts';
import { FULL } from './harness/plan.ts';
import { threadsCpuMs } from './harness/process-tree.ts';
import { type BenchRedis, startRedis } from './harness/redis.ts';
import { Report } from './harness/report.ts';
import { alternate, enter, type Entry, leave } from './harness/session.ts';
import { quantile } from './harness/statistics.ts';
import { writeWork } from './harness/workloads.ts';

const { values } = parseArgs({
  options: {
    other: { type: 'string', multiple: true, default: [] },
    runner: { type: 'string', default: 'reused' },
    rounds: { type: 'string', default: '7' },
    batch: { type: 'string', default: '800' },
    env: { type: 'string', multiple: true, default: [] },
    flag: { type: 'string', multiple: true, default: [] },
    peer: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const kinds: Record<string, readonly [Contestant, Contestant | null]> = {
  reused: [REUSED, CHILDREN_RESULTS],
  threads: [THREAD, THREADS_RESULTS],
  'single-use': [SINGLE_USE_DEFAULT, null],
};
const kind = kinds[values.runner];
if (!kind) throw new Error(`--runner must be one of ${Object.keys(kinds).join(', ')}`);
const [ours, peer] = kind;

const CONCURRENCY = 8;
const PARTS = ['worker', 'runners', 'both', 'redis', 'all', 'a second'] as const;

/** The built worker of another checkout, with its own sources. */
const at = (folder: string): Contestant => ({
  ...ours,
  name: folder,
  args: [join(folder, 'dist', 'main.js')],
});
const contestants = [ours, ...values.other.map(at), ...(peer && values.peer ? [peer] : [])];
const env = Object.fromEntries(values.env.map((each) => each.split(/=(.*)/s) as [string, string]));

const work = mkdtempSync(join(tmpdir(), 'bifrost-bench-work-'));
writeWork(work);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const entries: (Entry & { redis: BenchRedis })[] = [];
for (const [index, contestant] of contestants.entries()) {
  const redis = await startRedis();
  const bench = { redis: redis.url, redisPid: redis.pid, work, plan: FULL, report: new Report(), say };
  const own = index === 0 ? { env, nodeArgs: values.flag } : {};
  entries.push({ ...(await enter(bench, contestant, { concurrency: CONCURRENCY, ...own })), redis });
}

const batch = Number(values.batch);
const samples = new Map<string, number[][]>();
const measure = async ({ name, producer, running, redis }: (typeof entries)[number]): Promise<number[]> => {
  await producer.fill('noop', batch);
  const used = (): number[] => [threadsCpuMs(running.pid), running.cpu.usedMs(), threadsCpuMs(redis.pid)];
  const before = used();
  const rate = await producer.drain(batch, 2 * CONCURRENCY);
  await producer.settled();
  const [worker, tree, server] = used().map(
    (ms, index) => ((ms - (before[index] as number)) * 1000) / batch,
  ) as [number, number, number];
  await producer.clean();
  const figures = [worker, tree - worker, tree, server, tree + server, rate];
  say(`${name}: ${figures.map((figure) => figure.toFixed(0)).join(' ')}`);
  return figures;
};

await alternate(entries, 1, async (entry) => void (await measure(entry)));
await alternate(entries, Number(values.rounds), async (entry) => {
  const list = samples.get(entry.name) ?? [];
  samples.set(entry.name, [...list, await measure(entry)]);
});
await leave(entries);
for (const { redis } of entries) await redis.stop();
rmSync(work, { recursive: true, force: true });

const ofParts = (list: readonly number[][], share: number): number[] =>
  PARTS.map((name, part) =>
    quantile(
      list.map((figures) => figures[part] as number),
      name === 'a second' ? 1 - share : share,
    ),
  );
const first = samples.get(ours.name) as number[][];
const line = (name: string, figures: readonly (number | string)[], digits = 0): void => {
  const shown = figures.map((each) => (typeof each === 'number' ? each.toFixed(digits) : each).padStart(9));
  process.stdout.write(`${name.padEnd(48)} ${shown.join('')}\n`);
};
line('us of processor time for an execution', PARTS);
for (const [name, list] of samples) {
  line(`${name}: median`, ofParts(list, 0.5));
  // Other work on the machine only adds: this is nearer to what a build takes by itself.
  line('  lower quarter', ofParts(list, 0.25));
  if (list === first) continue;
  const ratios = first.map((figures, round) =>
    figures.map((own, part) => own / (list[round]?.[part] as number)),
  );
  line('  this checkout / that, median of the rounds', ofParts(ratios, 0.5), 2);
  const quarters = ofParts(list, 0.25);
  line(
    '  this checkout / that, lower quarters',
    ofParts(first, 0.25).map((own, part) => own / (quarters[part] as number)),
    2,
  );
}
process.exit();
