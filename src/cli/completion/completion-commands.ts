import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { Output } from '../output/output.js';
import { type Examples, factsOf, showExamples } from './command-tree.js';

/** Adds `completion` and `commands`, and examples to the help of every command: it comes after all others. */
export function defineCompletion(
  program: Command,
  examples: Examples,
  output: Output,
  exit: (code: ExitCode) => void,
): void {
  const commands = () => import('./completion.js');
  program
    .command('completion')
    .description('print what a shell sources to complete commands and options')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) =>
      exit((await commands()).completion(shell, factsOf(program, examples), output)),
    );
  program
    .command('commands')
    .description('list every command')
    .option('--json', 'with options and examples')
    .action(async (options: { json?: boolean }) =>
      exit((await commands()).listCommands(options, factsOf(program, examples), output)),
    );
  showExamples(program, examples);
}
