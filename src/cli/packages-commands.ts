import type { Command } from 'commander';
import type { ApiAccess } from './api-access.js';
import type { ExitCode } from './exit.js';
import type { Output } from './output.js';

/** What every packages command needs of the program. */
export interface Terminal {
  access: ApiAccess;
  output: Output;
  /** Aborts at Ctrl-C. */
  interrupt: AbortSignal;
}

/** Adds `set`, `list` and `status` to `bifrost packages`. What they do is loaded when one is asked for. */
export function definePackages(
  packages: Command,
  open: () => Terminal,
  finish: (code: ExitCode) => void,
): void {
  packages
    .command('set')
    .description('replace the manifest: every live worker installs it, without a restart')
    .argument('<file>', 'one npm spec a line, or a package.json; - reads standard input')
    .option('--wait', 'wait until every live worker is done; exit code 1 when a package failed anywhere')
    .action(async (file: string, options: { wait?: boolean }) => {
      const { setPackages } = await import('./packages-set.js');
      finish(await setPackages(file, options, open()));
    });
  packages
    .command('list')
    .description('list the packages of the manifest, and on how many workers they are')
    .option('--json', 'print the document of the API')
    .action(async (options: { json?: boolean }) => {
      const { listPackages } = await import('./packages-list.js');
      finish(await listPackages(options, open()));
    });
  packages
    .command('status')
    .description('what each live worker has of the manifest, and what failed')
    .option('--watch', 'go on showing it until Ctrl-C')
    .option('--json', 'print the document of the API')
    .action(async (options: { watch?: boolean; json?: boolean }) => {
      const { packagesStatus } = await import('./packages-status.js');
      finish(await packagesStatus(options, open()));
    });
}
