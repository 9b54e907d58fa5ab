import { type Command, InvalidArgumentError } from 'commander';
import type { OperatorCommand } from '../http/api-client.js';
import type { ExitCode } from '../output/exit.js';

import type { WorkersTerminal } from './workers-terminal.js';

const ORDERS: readonly [command: OperatorCommand, about: string][] = [
  ['recycle', 'replace the runners: idle ones at once, busy ones after what they run; nothing fails'],
  ['drain', 'take no new work, finish what runs, stop'],
  ['pause', 'take no new work until resumed; what runs goes on'],
  ['resume', 'take work again after a pause'],
];

/**
 * Adds `list`, which `bifrost workers` alone means too, and the commands to workers. The code of a command is loaded
 * when it is called.
 */
export function defineWorkers(
  workers: Command,
  open: () => WorkersTerminal,
  finish: (code: ExitCode) => void,
): void {
  workers
    .command('list', { isDefault: true })
    .description('list the live workers')
    .option('--json', 'print the document of the API')
    .action(async (options: { json?: boolean }) => {
      const { workers: list } = await import('./workers.js');
      finish(await list(options, open()));
    });
  for (const [order, about] of ORDERS) {
    const command = workers
      .command(order)
      .description(about)
      .option('--id <id>', 'id of the worker (default: all of them)')
      .option('--json', 'print the document of the API');
    if (order === 'recycle') command.option('--pid <pid>', 'only the runner of this process', pidOf);
    command.action(async () => {
      const { commandWorkers } = await import('./workers-control.js');
      finish(await commandWorkers(order, command.opts(), open()));
    });
  }
}

function pidOf(text: string): number {
  const pid = Number(text);
  if (Number.isInteger(pid) && pid > 0) return pid;
  throw new InvalidArgumentError('must be the pid of a runner.');
}
