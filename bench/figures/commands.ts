import { Redis } from 'ioredis';
import { BARE_RESULTS, CHILDREN_RESULTS, REUSED, SINGLE_USE, THREAD } from '../harness/contestants.ts';
import { alternate, type Bench, type Entry, Series } from '../harness/session.ts';
import * as names from './names.ts';

const COUNTED = [BARE_RESULTS, CHILDREN_RESULTS, REUSED, THREAD, SINGLE_USE].map(({ name }) => name);

/**
 * Commands to Redis for one execution: those that a client sends, and all, with those inside scripts.
 * A worker that only waits sends some too, over time; their share of so short a round is part of it.
 */
export async function measureCommands(bench: Bench, entries: readonly Entry[]): Promise<void> {
  const { plan, report } = bench;
  const jobs = plan.countedJobs;
  bench.say('commands to Redis');
  const redis = new Redis(bench.redis);
  const sent = new Series();
  const all = new Series();
  const beyond = new Series();
  const counted = entries.filter(({ name }) => COUNTED.includes(name));
  await alternate(counted, plan.fewRounds, async ({ name, producer, running }) => {
    await producer.fill('noop', jobs);
    const monitor = await redis.monitor();
    let own = 0;
    let total = 0;
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (!args.some((argument) => argument.includes(running.queueName))) return;
      if (source !== 'lua' && isPoll(args)) return;
      total += 1;
      if (source !== 'lua') own += 1;
    });
    await producer.drain(jobs, 0);
    await producer.settled();
    monitor.disconnect();
    sent.push(name, own / jobs);
    all.push(name, total / jobs);
    await producer.clean();
  });
  redis.disconnect();
  sent.addTo(report, names.COMMANDS_SENT, 'commands');
  all.addTo(report, names.COMMANDS_ALL, 'commands');
  const base = report.find(names.COMMANDS_SENT, BARE_RESULTS.name);
  for (const { name, contestant } of counted) {
    const own = report.find(names.COMMANDS_SENT, name);
    if (!contestant.product || !own || !base) continue;
    for (const value of own.values) beyond.push(name, value - base.median);
  }
  beyond.addTo(report, names.COMMANDS_BEYOND, 'commands');
}

/** What this harness asks while it waits. */
const isPoll = ([command]: string[]): boolean => /^(llen|zcard)$/i.test(command ?? '');
