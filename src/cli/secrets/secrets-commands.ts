import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { SecretsIo } from './secrets.js';

interface ShownOptions {
  json?: boolean;
}

const ORGANIZATION = ['<organization>', 'id of the organization'] as const;
const JSON_OPTION = ['--json', 'print the document of the API'] as const;

/** Adds `list`, `set`, `remove` and `rotate` to `bifrost secrets`. */
export function defineSecrets(secrets: Command, io: () => SecretsIo, exit: (code: ExitCode) => void): void {
  const commands = () => import('./secrets.js');
  secrets
    .command('list')
    .description('list the names of the secrets of an organization; values are shown nowhere')
    .argument(...ORGANIZATION)
    .option(...JSON_OPTION)
    .action(async (organization: string, options: ShownOptions) =>
      exit(await (await commands()).listSecrets(organization, options, io())),
    );
  secrets
    .command('set')
    .description('keep a secret, encrypted; executions that begin from now on get this value')
    .argument(...ORGANIZATION)
    .argument('<name>', 'as contexts name it in secret_names')
    .argument('[file]', 'file that holds the value; - reads standard input', '-')
    .option(...JSON_OPTION)
    .action(async (organization: string, name: string, file: string, options: ShownOptions) =>
      exit(await (await commands()).setSecret(organization, name, file, options, io())),
    );
  secrets
    .command('remove')
    .description('remove a secret')
    .argument(...ORGANIZATION)
    .argument('<name>')
    .option(...JSON_OPTION)
    .action(async (organization: string, name: string, options: ShownOptions) =>
      exit(await (await commands()).removeSecret(organization, name, options, io())),
    );
  secrets
    .command('rotate')
    .description('encrypt all secrets anew, with the first key of SECRETS_KEY')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit(await (await commands()).rotateSecrets(options, io())));
}
