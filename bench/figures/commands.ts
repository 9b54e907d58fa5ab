import { BARE_RESULTS, CHILDREN_RESULTS, REUSED, SINGLE_USE, THREAD } from '../harness/contestants.ts';
import { type SeenCommand, watchCommands } from './seen-commands.ts';
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
  const sent = new Series();
  const all = new Series();
  const beyond = new Series();
  const entered = entries.filter(({ name }) => COUNTED.includes(name));
  await alternate(entered, plan.fewRounds, async ({ name, producer, running }) => {
    await producer.fill('noop', jobs);
    const groups: SeenCommand[][] = [];
    const unwatch = await watchCommands(bench.redis, (command) => {
      if (command.isOfScript) groups.at(-1)?.push(command);
      else groups.push([command]);
    });
    await producer.drain(jobs, 0);
    await producer.settled();
    unwatch();
    // What a script runs comes after it. Its own arguments need not have the name of the queue.
    const counted = groups.filter(
      (group) =>
        group.some(({ text }) => text.includes(running.queueName)) && !isPoll(group[0] as SeenCommand),
    );
    sent.push(name, counted.length / jobs);
    all.push(name, counted.flat().length / jobs);
    await producer.clean();
  });
  sent.addTo(report, names.COMMANDS_SENT, 'commands');
  all.addTo(report, names.COMMANDS_ALL, 'commands');
  const base = report.find(names.COMMANDS_SENT, BARE_RESULTS.name);
  for (const { name, contestant } of entered) {
    const own = report.find(names.COMMANDS_SENT, name);
    if (!contestant.product || !own || !base) continue;
    for (const value of own.values) beyond.push(name, value - base.median);
  }
  beyond.addTo(report, names.COMMANDS_BEYOND, 'commands');
}

/** What this harness asks while it waits. */
const isPoll = ({ name }: SeenCommand): boolean => name === 'llen' || name === 'zcard';
