import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { ProfilesIo } from './login.js';

interface ShownOptions {
  json?: boolean;
}

const JSON_OPTION = ['--json', 'print a document instead of words'] as const;

/** Adds `login`, `logout` and `profiles`. */
export function defineProfiles(program: Command, io: () => ProfilesIo, exit: (code: ExitCode) => void): void {
  const commands = () => import('./login.js');
  program
    .command('login')
    .description(
      'keep the address and the token of a worker for later commands, in a file that only you may read',
    )
    .argument('[url]', 'of its API (default: that of the profile, or http://127.0.0.1:3000)')
    .option(...JSON_OPTION)
    .addHelpText(
      'after',
      '\nThe token is asked for where there is a terminal, and else read from standard input.',
    )
    .action(async (url: string | undefined, options: ShownOptions) =>
      exit(await (await commands()).login(url, options, io())),
    );
  program
    .command('logout')
    .description('forget a profile and its token')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit((await commands()).logout(options, io())));
  const profiles = program.command('profiles').description('the workers that were logged in to');
  profiles
    .command('list', { isDefault: true })
    .description('list them; * marks the one that counts where none is named')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit((await commands()).listProfiles(options, io())));
  profiles
    .command('use')
    .description('have another one count where none is named')
    .argument('<name>', 'of the profile')
    .option(...JSON_OPTION)
    .action(async (name: string, options: ShownOptions) =>
      exit((await commands()).selectProfile(name, options, io())),
    );
}
