import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { SetOptions } from './organization-options.js';
import type { OrganizationsIo } from './organizations.js';

interface ShownOptions {
  json?: boolean;
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** Adds `list`, `show`, `set` and `remove` to `bifrost organizations`. */
export function defineOrganizations(
  organizations: Command,
  io: () => OrganizationsIo,
  exit: (code: ExitCode) => void,
): void {
  const commands = () => import('./organizations.js');
  const JSON_OPTION = ['--json', 'print the document of the API'] as const;
  organizations
    .command('list', { isDefault: true })
    .description('list the organizations of which something is set')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit(await (await commands()).listOrganizations(options, io())));
  organizations
    .command('show')
    .description('show what is set of an organization')
    .argument('<id>', 'id of the organization')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).showOrganization(id, options, io())),
    );
  organizations
    .command('set')
    .description('set what the options name, in effect at once; "none" takes away what was set')
    .argument('<id>', 'id of the organization')
    .option('--weight <n>', 'its share of slot time beside the others that wait, 1 to 1000')
    .option('--max-running <n>', 'executions at once, over all workers')
    .option('--rate <n/time>', 'executions that may start within a time, such as 100/60s')
    .option('--workflow <id=n>', 'executions of one workflow at once; repeatable', collect)
    .option(
      '--quota <name=n[:slow]>',
      'the most of a day: cpu_seconds, executions, network_bytes or artifact_bytes; above it new work is refused, or slowed down with :slow; repeatable',
      collect,
    )
    .option('--memory-mb <n>', 'memory of each execution, below that of the worker')
    .option('--timeout <time>', 'longest time limit of an execution, such as 30s')
    .option('--output-bytes <n>', 'output of each execution')
    .option(
      '--network <policy>',
      'the most network of its code: none, proxy, open, or any for what the worker has',
    )
    .option('--network-allow <list>', 'hosts that its code may reach, separated by commas')
    .option('--native-addons <on|off>', 'off: its code loads no native code of packages')
    .option(...JSON_OPTION)
    .action(async (id: string, options: SetOptions) =>
      exit(await (await commands()).setOrganization(id, options, io())),
    );
  organizations
    .command('remove')
    .description('set nothing of it any more; its executions stay')
    .argument('<id>', 'id of the organization')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).removeOrganization(id, options, io())),
    );
}
