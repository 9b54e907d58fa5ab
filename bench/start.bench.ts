// `npm run bench:start`: what a runner for one execution costs, started and forked, in turns with `node -e 0`.
// Processor time is that of all processes that it took: of a forked runner with its template's share, from the fork
// to the end; of a started one with bubblewrap's, until its code has returned, since the kernel keeps no account of
// what ends with a process namespace. Ends with 1 where a promise of docs/benchmarks.md is
// broken. `--smoke` runs a small version that only shows that it works.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeMachine } from './harness/machine.ts';
import { threadsCpuMs } from './harness/process-tree.ts';
import { pairedRatio, type Sample, sampleOf } from './harness/statistics.ts';

const SMOKE = process.argv.includes('--smoke');
const ROUNDS = SMOKE ? 2 : 12;
/** Enough that a tick of the kernel's clock, 10 ms, is little of it. */
const EACH = SMOKE ? 2 : 60;
/** Of what `node -e 0` costs. */
const MAX_SHARE = 0.25;
const TICK_MS = 10;
const DIST = join(import.meta.dirname, '..', 'dist');
const SOURCE = 'export default ({ n }) => ({ sum: n + 1 });';

/** The built worker, with the types of its sources. */
const from = async <M>(path: string): Promise<M> => (await import(join(DIST, path))) as M;
const { Logger } = await import('@nestjs/common');
Logger.overrideLogger(false);
const { parseSettings } = await from<typeof import('../src/config/settings.ts')>('config/settings.js');
const { runnerSettings } = await from<typeof import('../src/config/slices.ts')>('config/slices.js');
const { RunnerFactory } = await from<typeof import('../src/executor/pool/runner-factory.ts')>(
  'executor/pool/runner-factory.js',
);
const { runOnce } = await from<typeof import('../src/executor/process/run-once.ts')>(
  'executor/process/run-once.js',
);

type Start = 'fork' | 'spawn';

/** Processor time of a process and of its children that have ended and been waited for. */
function cpuMsOf(pid: number | 'self', whose: 'own' | 'children' | 'both'): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const own = (fields[11] as number) + (fields[12] as number);
  const children = (fields[13] as number) + (fields[14] as number);
  return TICK_MS * ((whose === 'children' ? 0 : own) + (whose === 'own' ? 0 : children));
}

const parentOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
};

const factory = await RunnerFactory.open(
  runnerSettings.of(
    parseSettings({ WORKER_ID: 'bench', ROLES: 'worker', ISOLATION: 'namespace', RUNNER_START: 'fork' }),
  ),
);
const first = await factory.bootAside();
const template = parentOf(parentOf(first.pid));
await runOnce(first, SOURCE, { parameters: { n: 1 } });

const samples = new Map<string, number[]>();
const note = (name: string, value: number): void =>
  void samples.set(name, [...(samples.get(name) ?? []), value]);

/** Of the live processes from this one up to us. */
function liveMsOf(pid: number): number {
  if (pid === process.pid || pid < 2) return 0;
  return threadsCpuMs(pid) + liveMsOf(parentOf(pid));
}

/** What started runners took so far. */
let startedMs = 0;

async function execute(start: Start): Promise<void> {
  const runner = await factory.bootAside(factory.choice.level, start);
  const { sum } = (await runOnce(runner, SOURCE, {
    parameters: { n: 1 },
    onReturned: ({ pid }) => void (startedMs += start === 'spawn' ? liveMsOf(pid) : 0),
  })) as { sum: number };
  if (sum !== 2) throw new Error('an execution returned something else');
}

/** Each of `work`, and what it cost on average. */
async function measure(name: string, cpuMs: () => number, work: () => Promise<void> | void): Promise<void> {
  const [before, workerBefore, beganMs] = [cpuMs(), process.cpuUsage(), performance.now()];
  for (let count = 0; count < EACH; count += 1) await work();
  const worker = process.cpuUsage(workerBefore);
  note(`${name}, processor time`, (cpuMs() - before) / EACH);
  note(`${name}, the worker's own`, (worker.user + worker.system) / 1000 / EACH);
  note(`${name}, one after the other`, (performance.now() - beganMs) / EACH);
}

const WAYS = [
  () =>
    measure(
      'node -e 0',
      () => cpuMsOf('self', 'children'),
      () => void spawnSync(process.execPath, ['-e', '0']),
    ),
  () =>
    measure(
      'forked',
      () => cpuMsOf(template, 'both'),
      () => execute('fork'),
    ),
  () =>
    measure(
      'started',
      () => startedMs,
      () => execute('spawn'),
    ),
];
for (let round = 0; round < ROUNDS; round += 1)
  for (let turn = 0; turn < WAYS.length; turn += 1) await WAYS[(round + turn) % WAYS.length]?.();
await factory.close();

const sample = (name: string): Sample => sampleOf(samples.get(name) ?? []);
const shown = ({ median, min, max }: Sample, digits: number): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
const plain = sample('node -e 0, processor time');
for (const [key, value] of Object.entries(describeMachine())) console.log(`${key}: ${value}`);
console.log('\n| figure | median of the rounds (min to max), ms | of `node -e 0`, in the same round |');
console.log('| --- | --- | --- |');
for (const name of samples.keys()) {
  const share = name.endsWith('one after the other') ? '' : shown(pairedRatio(sample(name), plain), 2);
  console.log(`| ${name} | ${shown(sample(name), 1)} | ${share} |`);
}
const share = pairedRatio(sample('forked, processor time'), plain).median;
const holds = share <= MAX_SHARE;
console.log(
  `\nforked: ${share.toFixed(2)} of node -e 0 (at most ${MAX_SHARE}): ${holds ? 'holds' : 'DOES NOT HOLD'}`,
);
process.exit(holds || SMOKE ? 0 : 1);
