import type { Command } from 'commander';
import type { ConformanceOptions } from './conformance.js';
import type { FaultsOptions } from './faults.js';
import type { ExitCode } from './output/exit.js';
import type { Output } from './output/output.js';

/** What the commands work with. */
export interface TrialsIo {
  /** Settings of the workers are read from it. */
  env: Readonly<Record<string, string | undefined>>;
  output: Output;
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** Adds `conformance` and `faults`, which try out workers. */
export function defineTrials(program: Command, io: () => TrialsIo, exit: (code: ExitCode) => void): void {
  program
    .command('conformance')
    .description('play producer and consumer against running workers, and compare them with the contract')
    .option('--redis <url>', 'Redis of the workers (default: REDIS_URL, or REDIS_HOST and the like)')
    .option('--preset <name>', 'PRESET of the workers')
    .option('--queue <name>', 'QUEUE_NAME of the workers')
    .option('--timeout <seconds>', 'how long each answer may take (default: 60)')
    .option('--json', 'print the whole report as JSON')
    .addHelpText(
      'after',
      `
Reads the environment variables of a worker (docs/configuration.md); options win. docs/drop-in.md says what it
puts on the queue. Use a queue of its own where the consumer of results must not see it.

Exit codes:
  0 the workers keep the contract, 1 they do not, 2 the command line cannot be used, 3 Redis cannot be reached`,
    )
    .action(async (options: ConformanceOptions) => {
      const { conformance } = await import('./conformance.js');
      const { env, output } = io();
      exit(await conformance(env, options, output));
    });

  program
    .command('faults')
    .description(
      'run executions on workers of this machine while faults are made, and count what was lost or doubled',
    )
    .option('--redis <url>', 'Redis to use; it is not broken (default: REDIS_URL)')
    .option('--executions <count>', 'how many executions (default: 1000)')
    .option('--workers <count>', 'how many workers are started (default: 3)')
    .option('--seed <number>', 'the same one draws the same faults in the same order (default: drawn)')
    .option(
      '--break <command>',
      'shell command that breaks something and mends it: one more fault; repeatable',
      collect,
    )
    .option('--json', 'print the whole report as JSON')
    .addHelpText(
      'after',
      `
Every 2 to 6 s a worker is killed, ended or frozen, its connections to Redis fall silent, or a runner or compiler is killed
or frozen. Workers get the environment variables of this command. All keys are under a prefix of their own
and are removed afterwards. docs/faults.md says how to read the report.

Exit codes:
  0 nothing was lost, doubled or hidden, 1 something was, 2 the command line cannot be used, 3 it could not be carried out`,
    )
    .action(async (options: FaultsOptions) => {
      const { faults } = await import('./faults.js');
      const { env, output } = io();
      exit(await faults(env, options, output));
    });
}
