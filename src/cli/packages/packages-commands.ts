import type { Command } from 'commander';
import { EXIT, type ExitCode } from '../output/exit.js';
import type { Terminal } from './packages-terminal.js';

/** Adds `set`, `list` and `status` to `bifrost packages`. What they do is loaded when one is asked for. */
export function definePackages(
  packages: Command,
  open: () => Terminal,
  finish: (code: ExitCode) => void,
): void {
  const runCommand = async (work: (terminal: Terminal) => Promise<ExitCode>): Promise<void> => {
    const terminal = open();
    try {
      finish(await work(terminal));
    } catch (error) {
      if (!terminal.interrupt.aborted) throw error;
      finish(EXIT.cancelled);
    }
  };
  packages
    .command('set')
    .description('replace the manifest: every live worker installs it, without a restart')
    .argument('<file>', 'one npm spec a line, or a package.json; - reads standard input')
    .option('--wait', 'wait until every live worker is done; exit code 1 when a package failed anywhere')
    .option('--json', 'print the document of the API, as it is at the end')
    .action(async (file: string, options: { wait?: boolean; json?: boolean }) => {
      const { setPackages } = await import('./packages-set.js');
      await runCommand((terminal) => setPackages(file, options, terminal));
    });
  packages
    .command('list')
    .description('list the packages of the manifest, and on how many workers they are')
    .option('--json', 'print the document of the API')
    .action(async (options: { json?: boolean }) => {
      const { listPackages } = await import('./packages-list.js');
      await runCommand((terminal) => listPackages(options, terminal));
    });
  packages
    .command('status')
    .description('what each live worker has of the manifest, and what failed')
    .option('--watch', 'go on showing it until Ctrl-C')
    .option('--json', 'print the document of the API')
    .action(async (options: { watch?: boolean; json?: boolean }) => {
      const { packagesStatus } = await import('./packages-status.js');
      await runCommand((terminal) => packagesStatus(options, terminal));
    });
}
