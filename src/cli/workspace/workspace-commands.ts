import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { Terminal } from '../packages/packages-terminal.js';
import type { PullOptions } from './workspace-pull.js';
import type { PushOptions } from './workspace-push.js';

type Open = () => Terminal;
type Finish = (code: ExitCode) => void;

/** Adds the commands of `bifrost workspace`. What they do is loaded when one is asked for. */
export function defineWorkspace(workspace: Command, open: Open, finish: Finish): void {
  defineTransfers(workspace, open, finish);
  defineGenerations(workspace, open, finish);
}

function defineTransfers(workspace: Command, open: Open, finish: Finish): void {
  workspace
    .command('push')
    .description('publish a folder as the workspace; files that it lacks are removed')
    .argument('<dir>', 'the folder; a .bifrostignore in it leaves files out, in the syntax of .gitignore')
    .option('--message <text>', 'shown in the log')
    .option('--dry-run', 'check everything and show what would change, publish nothing')
    .option('--watch', 'publish again after each change, until Ctrl-C')
    .option('--expect <generation>', 'publish only if this one is current; none: if nothing is')
    .option('--json', 'print the document of the API, one for each push')
    .addHelpText('after', '\nnode_modules and names that begin with a dot are left out always.')
    .action(async (dir: string, options: PushOptions) => {
      const { push } = await import('./workspace-push.js');
      finish(await push(dir, options, open()));
    });
  workspace
    .command('pull')
    .description('write the files of the workspace into a folder')
    .argument('<dir>', 'the folder; files that only it has stay')
    .option('--generation <number>', 'an older one (default: the current one)')
    .option('--force', 'overwrite files that differ')
    .option('--json', 'print which files were written')
    .action(async (dir: string, options: PullOptions) => {
      const { pull } = await import('./workspace-pull.js');
      finish(await pull(dir, options, open()));
    });
}

function defineGenerations(workspace: Command, open: Open, finish: Finish): void {
  workspace
    .command('list')
    .description('list the files of the workspace')
    .option('--generation <number>', 'an older one (default: the current one)')
    .option('--json', 'print paths and hashes')
    .action(async (options: { generation?: string; json?: boolean }) => {
      const { listFiles } = await import('./workspace-generations.js');
      finish(await listFiles(options, open()));
    });
  workspace
    .command('log')
    .description('list the generations that were published')
    .option('--json', 'print the document of the API')
    .action(async (options: { json?: boolean }) => {
      const { showLog } = await import('./workspace-generations.js');
      finish(await showLog(options, open()));
    });
  workspace
    .command('diff')
    .description('what changes from one generation to another')
    .argument('<A>', 'number of a generation')
    .argument('<B>', 'number of a generation')
    .option('--json', 'print the document of the API')
    .action(async (from: string, to: string, options: { json?: boolean }) => {
      const { showDiff } = await import('./workspace-generations.js');
      finish(await showDiff(from, to, options, open()));
    });
  workspace
    .command('rollback')
    .description('publish the files of an older generation again')
    .argument('<N>', 'its number')
    .option('--message <text>', 'shown in the log')
    .option('--json', 'print the document of the API')
    .action(async (generation: string, options: { message?: string; json?: boolean }) => {
      const { rollback } = await import('./workspace-generations.js');
      finish(await rollback(generation, options, open()));
    });
}
