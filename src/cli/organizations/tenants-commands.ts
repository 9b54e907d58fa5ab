import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import { defineSecrets } from '../secrets/secrets-commands.js';
import type { SecretsIo } from '../secrets/secrets.js';
import { defineAudit, defineTokens } from '../tokens/tokens-commands.js';
import type { UsageOptions } from '../usage/usage.js';
import { defineOrganizations } from './organizations-commands.js';

/** Adds `organizations`, `tokens`, `audit`, `secrets` and `usage` to the program. */
export function defineTenants(program: Command, io: () => SecretsIo, exit: (code: ExitCode) => void): void {
  defineOrganizations(
    program.command('organizations').description('weights, caps, quotas and limits of organizations'),
    io,
    exit,
  );
  defineTokens(
    program.command('tokens').description('tokens of the HTTP API, and what each may do'),
    io,
    exit,
  );
  defineAudit(
    program.command('audit').description('print what was changed over the HTTP API, with which token'),
    io,
    exit,
  );
  defineSecrets(
    program.command('secrets').description('secrets of organizations, which executions name'),
    io,
    exit,
  );
  program
    .command('usage')
    .description('print what organizations used, by day')
    .option('--organization <id>', 'only of this organization')
    .option('--since <day>', 'first day (UTC), or how long ago, such as 7d (default: 30 days)')
    .option('--until <day>', 'last day (UTC)')
    .option('--csv', 'print CSV')
    .option('--json', 'print the document of the API')
    .action(async (options: UsageOptions) => {
      const { usage } = await import('../usage/usage.js');
      exit(await usage(options, io()));
    });
}
