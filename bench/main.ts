// `npm run bench`: the product and what people would use instead, in turns, on one machine in one run.
// Prints one table, then the targets and whether each holds; writes both as JSON. `--smoke`: a small run
// that only shows that everything works. `--only throughput,latency,…`: some figures. Exit code 1 only
// after an error, never for a time. The method: docs/benchmarks.md.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALL_CONTESTANTS } from './harness/contestants.ts';
import { measureCommands } from './figures/commands.ts';
import { measureBacklog, measureModules } from './figures/growth.ts';
import { measureLatency } from './figures/latency.ts';
import { measureResources } from './figures/resources.ts';
import { measureThroughput } from './figures/throughput.ts';
import { describeMachine } from './harness/machine.ts';
import { FULL, SMOKE } from './harness/plan.ts';
import { PlainSpawn } from './plain-spawn.ts';
import { startRedis } from './harness/redis.ts';
import { Report } from './harness/report.ts';
import { type Bench, enter, type Entry, leave } from './harness/session.ts';
import { reportTable, targetTable } from './harness/table.ts';
import { checkTargets } from './harness/targets.ts';
import { writeWork } from './harness/workloads.ts';

const FIGURES = [
  'throughput',
  'workloads',
  'latency',
  'resources',
  'commands',
  'backlog',
  'modules',
  'others',
];

const { values } = parseArgs({
  options: {
    smoke: { type: 'boolean', default: false },
    only: { type: 'string', default: FIGURES.join(',') },
    contestants: { type: 'string', default: '' },
    json: { type: 'string', default: '.bifrost/bench.json' },
  },
});
const wanted = new Set(values.only.split(','));
const plan = values.smoke ? SMOKE : FULL;
const chosen = ALL_CONTESTANTS.filter(({ name }) => new RegExp(values.contestants).test(name));

/** Everything that is measured while all contestants run, at one concurrency. */
async function measureTogether(bench: Bench, concurrency: number, first: boolean): Promise<void> {
  const entries: Entry[] = [];
  const spawn = first ? new PlainSpawn() : undefined;
  try {
    await spawn?.ready();
    for (const contestant of chosen) entries.push(await enter(bench, contestant, { concurrency }));
    if (wanted.has('throughput'))
      await measureThroughput(bench, entries, {
        workload: 'noop',
        concurrency,
        thorough: first,
        ...(spawn ? { spawn } : {}),
      });
    if (!first) return;
    if (wanted.has('latency')) await measureLatency(bench, entries);
    if (wanted.has('resources')) await measureResources(bench, entries);
    if (wanted.has('commands')) await measureCommands(bench, entries);
    for (const workload of wanted.has('workloads') ? plan.workloads : [])
      await measureThroughput(bench, entries, { workload, concurrency, thorough: false });
  } finally {
    spawn?.stop();
    await leave(entries);
  }
}

async function run(bench: Bench): Promise<void> {
  for (const [index, concurrency] of plan.concurrencies.entries())
    if (index === 0 || wanted.has('others')) await measureTogether(bench, concurrency, index === 0);
  if (wanted.has('backlog')) await measureBacklog(bench);
  if (wanted.has('modules')) await measureModules(bench);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => (printReport(), process.exit(1)));
const startedAt = performance.now();
const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(0).padStart(4);
const work = mkdtempSync(join(tmpdir(), 'bifrost-bench-work-'));
writeWork(work);
const redis = await startRedis();
const report = new Report();
const machine = describeMachine();
try {
  const say = (text: string): void => void process.stderr.write(`${seconds()} s  ${text}\n`);
  await run({ redis: redis.url, redisPid: redis.pid, work, plan, report, say });
  printReport();
} catch (error) {
  process.exitCode = 1;
  process.stderr.write(`${(error as Error).stack}\n`);
} finally {
  await redis.stop();
  rmSync(work, { recursive: true, force: true });
}
// Connections of an interrupted figure would wait for Redis for ever.
process.exit();

function printReport(): void {
  const targets = checkTargets(report);
  process.stdout.write(`${reportTable(report)}\n\n${targetTable(targets)}\n`);
  for (const [name, value] of Object.entries(machine)) process.stdout.write(`${name}: ${value}\n`);
  mkdirSync(dirname(values.json), { recursive: true });
  const { measurements } = report;
  writeFileSync(values.json, `${JSON.stringify({ machine, measurements, targets }, null, 2)}\n`);
}
