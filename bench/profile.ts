// `npm run bench:profile`: a CPU profile of the worker under load, written to .bifrost/profiles, and where
// its time went. `--runner reused|threads|single-use`, `--seconds N`, `--workload noop`.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REUSED, SINGLE_USE, THREAD } from './harness/contestants.ts';
import { FULL } from './harness/plan.ts';
import { type CpuProfile, topOf } from './harness/profile-top.ts';
import { startRedis } from './harness/redis.ts';
import { Report } from './harness/report.ts';
import { enter, leave } from './harness/session.ts';
import { WORKLOADS, writeWork } from './harness/workloads.ts';

const { values } = parseArgs({
  options: {
    runner: { type: 'string', default: 'reused' },
    workload: { type: 'string', default: 'noop' },
    seconds: { type: 'string', default: '10' },
  },
});
const workload = WORKLOADS.find((name) => name === values.workload);
if (!workload) throw new Error(`--workload must be one of ${WORKLOADS.join(', ')}`);
const contestant = { reused: REUSED, threads: THREAD, 'single-use': SINGLE_USE }[values.runner];
if (!contestant) throw new Error('--runner must be reused, threads or single-use');

const CONCURRENCY = 8;
const BATCH = 500;
const folder = join(import.meta.dirname, '..', '.bifrost', 'profiles', `${values.runner}-${Date.now()}`);
mkdirSync(folder, { recursive: true });
const work = mkdtempSync(join(tmpdir(), 'bifrost-bench-work-'));
writeWork(work);
const redis = await startRedis();
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const bench = { redis: redis.url, redisPid: redis.pid, work, plan: FULL, report: new Report(), say };

const entry = await enter(bench, contestant, {
  concurrency: CONCURRENCY,
  nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500'],
});
const until = performance.now() + Number(values.seconds) * 1000;
while (performance.now() < until) {
  await entry.producer.fill(workload, BATCH);
  say(`${(await entry.producer.drain(BATCH, 2 * CONCURRENCY)).toFixed(0)} a second`);
  await entry.producer.clean();
}
await leave([entry]);
await redis.stop();
rmSync(work, { recursive: true, force: true });

for (const file of readdirSync(folder)) {
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile;
  process.stdout.write(`${join(folder, file)}\n${topOf(profile)}\n`);
}
process.exit();
