import { BARE_RESULTS, REUSED } from '../harness/contestants.ts';
import { alternate, type Bench, enter, type Entry, leave, Series } from '../harness/session.ts';
import { importing, moduleSource } from '../harness/workloads.ts';
import * as names from './names.ts';

const JOBS = 1_000;

/** Jobs a second while many more wait. Each backlog has a worker and a queue of its own, and they take turns. */
export async function measureBacklog(bench: Bench): Promise<void> {
  const { plan, report } = bench;
  const concurrency = plan.growthConcurrency;
  const jobs = Math.min(JOBS, Math.min(...plan.backlogs));
  for (const contestant of [REUSED, BARE_RESULTS]) {
    bench.say(`backlog: ${contestant.name}`);
    const entries: (Entry & { backlog: number })[] = [];
    for (const backlog of plan.backlogs) {
      const entry = { ...(await enter(bench, contestant, { concurrency })), backlog };
      entries.push(entry);
      await entry.producer.fill('noop', jobs);
      await entry.producer.drain(jobs, 0);
      await entry.producer.clean();
      await entry.producer.fill('noop', backlog);
    }
    const series = new Series();
    await alternate(entries, plan.rounds, async ({ producer, backlog }) => {
      const rate = await producer.drain(jobs, 2 * concurrency);
      await producer.pause();
      series.push(names.queued(backlog), rate);
      const taken = await producer.clean();
      await producer.fill('noop', taken);
    });
    const suffix = contestant === REUSED ? '' : `, ${contestant.name}`;
    series.addTo(report, `${names.BACKLOG}${suffix}`, 'per s');
    await leave(entries);
  }
}

/** Jobs a second of a function that imports 3 modules, in workspaces of different sizes. */
export async function measureModules(bench: Bench): Promise<void> {
  const { plan, report } = bench;
  const concurrency = plan.growthConcurrency;
  bench.say('workspaces of different sizes');
  const entries: (Entry & { count: number })[] = [];
  for (const count of plan.moduleCounts) {
    const files = (): Record<string, string> => {
      const modules = Array.from({ length: count }, (_, index) => [`lib/m${index}.js`, moduleSource(index)]);
      return { ...Object.fromEntries(modules), 'imports.js': importing(3) };
    };
    entries.push({ ...(await enter(bench, REUSED, { concurrency }, files)), count });
  }
  const jobs = Math.min(JOBS, Math.min(...plan.backlogs));
  const series = new Series();
  await alternate(entries, plan.fewRounds + 1, async ({ producer, count }, round) => {
    await producer.fill('imports', jobs);
    const rate = await producer.drain(jobs, Math.min(2 * concurrency, jobs - 1));
    if (round > 0) series.push(names.published(count), rate);
    await producer.clean();
  });
  series.addTo(report, names.MODULES, 'per s');
  await leave(entries);
}
