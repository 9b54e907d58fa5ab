// `npm run bench:isolation`: what the levels of isolation cost: a runner's start, and executions on one that
// is reused. They take turns, round by round. Ends with 1 where a promise of docs/benchmarks.md is broken.
// `--smoke` runs a small version that only shows that it works.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IsolationLevel } from '../src/isolation/isolation-level.ts';
import type { RunnerProcess } from '../src/executor/process/runner-process.ts';
import { describeMachine } from './harness/machine.ts';
import { threadsCpuMs } from './harness/process-tree.ts';
import { type Sample, sampleOf } from './harness/statistics.ts';

const SMOKE = process.argv.includes('--smoke');
const STARTS = SMOKE ? 2 : 60;
const ROUNDS = SMOKE ? 2 : 30;
const EXECUTIONS = SMOKE ? 20 : 400;
const MAX_START_MS = 10;
const MIN_THROUGHPUT = 0.95;
const DIST = join(import.meta.dirname, '..', 'dist');

/** The built worker, with the types of its sources. */
const from = async <M>(path: string): Promise<M> => (await import(join(DIST, path))) as M;
const { Logger } = await import('@nestjs/common');
Logger.overrideLogger(false);
const { parseSettings } = await from<typeof import('../src/config/settings.ts')>('config/settings.js');
const { runnerSettings } = await from<typeof import('../src/config/slices.ts')>('config/slices.js');
const { RunnerFactory } = await from<typeof import('../src/executor/pool/runner-factory.ts')>(
  'executor/pool/runner-factory.js',
);
const { commandFor, runOnce } = await from<typeof import('../src/executor/process/run-once.ts')>(
  'executor/process/run-once.js',
);
const { withoutPermissionModel } = await from<typeof import('../src/executor/self-test/without-node.ts')>(
  'executor/self-test/without-node.js',
);
const { Run } = await from<typeof import('../src/executor/supervision/run.ts')>(
  'executor/supervision/run.js',
);
const { runLimitsOf } = await from<typeof import('../src/executor/supervision/limits.ts')>(
  'executor/supervision/limits.js',
);
const { slotOn } = await from<typeof import('../src/executor/pool/runner-lease.ts')>(
  'executor/pool/runner-lease.js',
);
const { Cancellation, Interruption } =
  await from<typeof import('../src/executor/cancellation.ts')>('executor/cancellation.js');
const { Redactor } = await from<typeof import('../src/outcome/redaction/redactor.ts')>(
  'outcome/redaction/redactor.js',
);

const settingsAt = (ISOLATION: string) =>
  parseSettings({ WORKER_ID: 'bench', ROLES: 'worker', ISOLATION, RUNNER_MAX_EXECUTIONS: '0' });
const SETTINGS = settingsAt('process');
const SOURCE = 'export default ({ n }) => n + 1;';

interface Contestant {
  name: string;
  level: IsolationLevel;
  factory: Awaited<ReturnType<typeof RunnerFactory.open>>;
  startMs: number[];
  cpuMs: number[];
  perSecond: number[];
}

/** The same runner as a process that nothing keeps from anything. */
const nothing = (level: IsolationLevel): IsolationLevel => ({
  ...withoutPermissionModel(level),
  confinement: () => ({
    parentPid: null,
    uid: null,
    maxTasks: null,
    hidden: false,
    files: null,
    filter: false,
    sharedUser: true,
    recordLocks: false,
  }),
});

const [plain, namespaces] = await Promise.all(
  ['process', 'namespace'].map((level) => RunnerFactory.open(runnerSettings.of(settingsAt(level)))),
);
if (!plain || !namespaces) throw new Error('no level can be measured');
const of = (name: string, factory: typeof plain, level = factory.choice.level): Contestant => ({
  name,
  level,
  factory,
  startMs: [],
  cpuMs: [],
  perSecond: [],
});
const NONE = of('no isolation', plain, nothing(plain.choice.level));
const PROCESS = of('process', plain);
const NAMESPACE = of('namespace', namespaces);
const ALL = [NONE, PROCESS, NAMESPACE];

/** Of all threads of a runner and of what it was started by, in milliseconds on a processor so far. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  const own = threadsCpuMs(pid);
  return parent === process.pid || parent < 2 ? own : own + cpuMsOf(parent);
}

/** From nothing to the first thing that code returned: the last door is shut right before that. */
async function start({ level, factory, startMs, cpuMs }: Contestant): Promise<void> {
  const beganMs = performance.now();
  const runner = await factory.bootAside(level);
  await runOnce(runner, SOURCE, {
    parameters: { n: 1 },
    onReturned: ({ pid }) => {
      startMs.push(performance.now() - beganMs);
      cpuMs.push(cpuMsOf(pid));
    },
  });
}

/** As a worker does it on a runner that it keeps: what an execution left in its folder is removed after it. */
async function execute({ factory }: Contestant, runner: RunnerProcess, n: number): Promise<void> {
  const run = new Run(
    slotOn(runner, runner.place.scratch),
    runLimitsOf(runnerSettings.of(SETTINGS), { timeoutMs: 60_000 }),
    {
      answer: () => Promise.resolve({ kind: 'package' }),
      onProgress: () => undefined,
      onLog: () => null,
      redactor: new Redactor([]),
    },
  );
  const command = {
    ...commandFor(runner, SOURCE),
    nonce: randomBytes(16).toString('hex'),
    ref: randomBytes(8).toString('hex'),
    clearsScratch: !runner.place.onDisk,
    parameters: { n },
    keep: true,
  };
  const end = await run.finish(command, {
    interruption: new Interruption(),
    cancellation: new Cancellation(),
  });
  if (end.report?.type !== 'result' || end.report.value !== n + 1)
    throw new Error(`an execution failed: ${JSON.stringify(end)}`);
  await factory.clear(runner, runner.place.scratch);
}

for (let round = 0; round < STARTS; round += 1)
  for (const contestant of turned(ALL, round)) await start(contestant);

const reused = new Map<Contestant, RunnerProcess>();
for (const contestant of ALL) {
  const runner = await contestant.factory.bootAside(contestant.level);
  reused.set(contestant, runner);
  for (let n = 0; n < EXECUTIONS; n += 1) await execute(contestant, runner, n);
}
for (let round = 0; round < ROUNDS; round += 1)
  for (const contestant of turned(ALL, round)) {
    const runner = reused.get(contestant) as RunnerProcess;
    const beganMs = performance.now();
    for (let n = 0; n < EXECUTIONS; n += 1) await execute(contestant, runner, n);
    contestant.perSecond.push((EXECUTIONS / (performance.now() - beganMs)) * 1000);
  }
for (const runner of reused.values()) {
  runner.kill();
  await runner.ended;
  await runner.place.remove();
}
await Promise.all([plain.close(), namespaces.close()]);

/** Each round begins with another one. */
function turned<T>(items: readonly T[], round: number): T[] {
  const at = round % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/** Against no isolation, by the rounds: what slows the machine for a while slows both. */
const against = (
  pick: (of: Contestant) => number[],
  one: Contestant,
  how: (a: number, b: number) => number,
) => sampleOf(pick(one).map((value, round) => how(value, pick(NONE)[round] as number)));
const minus = (a: number, b: number): number => a - b;
const ratio = (a: number, b: number): number => a / b;

const shown = ({ median, min, max }: Sample, digits = 1): string =>
  `${median.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;
const FIGURES = ['start to the first return', 'processor time of that', 'executions on a reused runner'];
const rows = ALL.flatMap((one) => [
  [
    'start to the first return',
    one.name,
    `${shown(sampleOf(one.startMs))} ms`,
    `+${shown(against((c) => c.startMs, one, minus))} ms`,
  ],
  [
    'processor time of that',
    one.name,
    `${shown(sampleOf(one.cpuMs))} ms`,
    `+${shown(against((c) => c.cpuMs, one, minus))} ms`,
  ],
  [
    'executions on a reused runner',
    one.name,
    `${shown(sampleOf(one.perSecond), 0)} per s`,
    `${shown(
      against((c) => c.perSecond, one, ratio),
      3,
    )} x`,
  ],
]);
const startCost = against((c) => c.startMs, NAMESPACE, minus).median;
const throughput = against((c) => c.perSecond, NAMESPACE, ratio).median;
for (const [key, value] of Object.entries(describeMachine())) console.log(`${key}: ${value}`);
console.log('\n| figure | level | median (min to max) | against no isolation, in the same round |');
console.log('| --- | --- | --- | --- |');
for (const row of rows.toSorted((a, b) => FIGURES.indexOf(a[0] as string) - FIGURES.indexOf(b[0] as string)))
  console.log(`| ${row.join(' | ')} |`);
const holds = startCost <= MAX_START_MS && throughput >= MIN_THROUGHPUT;
console.log(
  `\nnamespace: start +${startCost.toFixed(1)} ms (at most ${MAX_START_MS}), throughput ${throughput.toFixed(3)} (at least ${MIN_THROUGHPUT}): ${holds ? 'holds' : 'DOES NOT HOLD'}`,
);
process.exit(holds || SMOKE ? 0 : 1);
