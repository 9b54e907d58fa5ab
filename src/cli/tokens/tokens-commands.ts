import type { Command } from 'commander';
import type { ExitCode } from '../output/exit.js';
import type { AuditOptions } from './audit.js';
import type { CreateOptions, TokensIo } from './tokens.js';

interface ShownOptions {
  json?: boolean;
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];
const JSON_OPTION = ['--json', 'print the document of the API'] as const;

/** Adds `list`, `create` and `revoke` to `bifrost tokens`. */
export function defineTokens(tokens: Command, io: () => TokensIo, exit: (code: ExitCode) => void): void {
  const commands = () => import('./tokens.js');
  tokens
    .command('list', { isDefault: true })
    .description('list all tokens, without their texts')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit(await (await commands()).listTokens(options, io())));
  tokens
    .command('create')
    .description('make a token, and print it: it cannot be shown again')
    .argument('<name>', 'what it is for; the audit log shows it')
    .requiredOption('--role <role>', 'read, submit, operate or admin; each may do what those before it may')
    .option('--organization <id>', 'only for this organization; repeatable (default: for all)', collect)
    .option('--expires <time>', 'when it ends: how long from now, such as 90d, or ISO 8601 (default: never)')
    .option(...JSON_OPTION)
    .action(async (name: string, options: CreateOptions) =>
      exit(await (await commands()).createToken(name, options, io())),
    );
  tokens
    .command('revoke')
    .description('revoke a token, at once')
    .argument('<id>', 'id of the token')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).revokeToken(id, options, io())),
    );
}

/** Makes `bifrost audit`. */
export function defineAudit(audit: Command, io: () => TokensIo, exit: (code: ExitCode) => void): void {
  audit
    .option('--token <id>', 'only of this token')
    .option('--organization <id>', 'only what concerned this organization')
    .option('--since <time>', 'from this time on: ISO 8601, or how long ago, such as 24h')
    .option('--until <time>', 'before this time')
    .option('--limit <n>', 'most entries (default: 50)')
    .option(...JSON_OPTION)
    .action(async (options: AuditOptions) => {
      const { listAudit } = await import('./audit.js');
      exit(await listAudit(options, io()));
    });
}
