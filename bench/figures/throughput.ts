import { ABOUT, type Workload } from '../harness/workloads.ts';
import { alternate, type Bench, type Entry, Series } from '../harness/session.ts';
import type { PlainSpawn } from '../plain-spawn.ts';
import { ownCpuMs } from '../harness/process-tree.ts';
import * as names from './names.ts';

/**
 * Jobs a second of every contestant with one kind of work, and the CPU time that each takes for one.
 *
 * The jobs are on the queue before the clock starts, and the clock starts when twice as many results
 * are out as run at once: runners that were booted while nothing ran would be a present.
 */
export async function measureThroughput(
  bench: Bench,
  entries: readonly Entry[],
  options: { workload: Workload; concurrency: number; thorough: boolean; spawn?: PlainSpawn },
): Promise<void> {
  const { workload, concurrency, thorough, spawn } = options;
  const { plan, report } = bench;
  const rounds = thorough ? plan.rounds : plan.fewRounds;
  bench.say(`throughput: ${workload} (${ABOUT[workload]}), concurrency ${concurrency}`);
  const skip = 2 * concurrency;
  const counts = new Map<Entry, number>();
  for (const entry of entries) counts.set(entry, await warmUp(bench, entry, { workload, skip, thorough }));
  const rates = new Series();
  const cpu = new Series();
  const withRedis = new Series();
  const ofProcess = new Series();
  await alternate([...entries, ...(spawn ? [spawn] : [])], rounds, async (entry) => {
    if ('rate' in entry) return rates.push(names.PLAIN_SPAWN, await entry.rate(plan.roundMs * SLOW_FACTOR));
    const count = counts.get(entry) as number;
    const { producer, running } = entry;
    await producer.fill(workload, count);
    const used = (): [number, number, number] => [
      running.cpu.usedMs(),
      ownCpuMs(running.pid),
      ownCpuMs(bench.redisPid),
    ];
    const before = used();
    rates.push(entry.name, await producer.drain(count, skip));
    await producer.settled();
    const [all, own, redis] = used().map((ms, index) => (ms - (before[index] as number)) / count) as [
      number,
      number,
      number,
    ];
    cpu.push(entry.name, all);
    ofProcess.push(entry.name, own);
    withRedis.push(entry.name, all + redis);
    await producer.clean();
  });
  rates.addTo(report, names.throughput(workload, concurrency), 'per s');
  if (workload !== 'noop') return;
  // The unit says how the time was taken: what a process tree does not show is missing.
  const unit = `ms, ${entries[0]?.running.cpu.source ?? 'process tree'}`;
  cpu.addTo(report, names.cpu(concurrency), unit);
  withRedis.addTo(report, names.cpuWithRedis(concurrency), unit);
  ofProcess.addTo(report, names.cpuOfProcess(concurrency), 'ms');
}

/** What starts processes is uneven and needs a longer look. */
const SLOW_FACTOR = 2;
const SLOW_RATE = 400;

/** How many jobs make a round of about the planned length, from rounds that are not counted. */
async function warmUp(
  { plan }: Bench,
  { producer }: Entry,
  { workload, skip, thorough }: { workload: Workload; skip: number; thorough: boolean },
): Promise<number> {
  let count = skip + plan.firstJobs;
  for (const atLeast of thorough && plan.warmJobs > 0 ? [0, plan.warmJobs] : [0]) {
    await producer.fill(workload, count);
    const rate = await producer.drain(count, skip);
    await producer.clean();
    const roundMs = (thorough ? plan.roundMs : plan.shortRoundMs) * (rate < SLOW_RATE ? SLOW_FACTOR : 1);
    count = Math.ceil(skip + Math.max((rate * roundMs) / 1000, Math.min(atLeast, rate)));
  }
  return count;
}
