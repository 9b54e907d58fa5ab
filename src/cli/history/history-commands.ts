import type { Command } from 'commander';
import { FILTER_ROWS } from '../../contract/history/fields.js';
import type { AgainOptions } from '../executions/again.js';
import type { ApiAccess } from '../http/api-access.js';
import type { ExitCode } from '../output/exit.js';
import type { ExportOptions } from './export.js';
import type { ForgetOptions } from '../executions/forget.js';
import type { HistoryOptions } from './history.js';
import type { Output } from '../output/output.js';
import type { StatsOptions } from './stats.js';

/** What the commands need beside their command line. */
export interface HistoryIo {
  access: ApiAccess;
  output: Output;
  interrupt: AbortSignal;
}

const TIMES = `
Times are ISO 8601 (2026-11-30, 2026-11-30T12:00:00Z) or how long ago (30m, 24h, 7d).`;

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

const filtered = (command: Command): Command =>
  FILTER_ROWS.reduce(
    (added, [, { option, help }]) => (option === undefined ? added : added.option(option, help)),
    command,
  );

/** Adds `history`, `stats`, `export`, `again` and `forget`. */
export function defineHistory(program: Command, io: () => HistoryIo, exit: (code: ExitCode) => void): void {
  filtered(program.command('history').description('executions that have ended, newest first'))
    .option('--since <time>', 'ended then or later')
    .option('--until <time>', 'ended before')
    .option('--limit <count>', 'list at most this many (default: 50)')
    .option('--cursor <cursor>', 'goes on where a page ended')
    .option('--json', 'print the document of the API')
    .addHelpText('after', TIMES)
    .action(async (options: HistoryOptions) => {
      const { history } = await import('./history.js');
      exit(await history(options, io()));
    });

  program
    .command('stats')
    .description('how many executions there were and how long they took')
    .option('--since <time>', 'first day (default: 30 days ago)')
    .option('--until <time>', 'end; its day counts if it is later than midnight')
    .option('--by <list>', 'day, workflow, status: what is counted apart (default: all three)')
    .option('--workflow <id>')
    .option('--organization <id>')
    .option('--status <list>')
    .option('--json', 'print the document of the API')
    .addHelpText('after', `${TIMES} Whole days of UTC are counted.`)
    .action(async (options: StatsOptions) => {
      const { stats } = await import('./stats.js');
      exit(await stats(options, io()));
    });

  filtered(program.command('export').description('whole results as JSON lines, oldest first'))
    .option('--from <time>', 'ended then or later')
    .option('--to <time>', 'ended before')
    .option('--json', 'as it is without it')
    .addHelpText('after', TIMES)
    .action(async (options: ExportOptions) => {
      const { exportHistory } = await import('./export.js');
      exit(await exportHistory(options, io()));
    });

  filtered(
    program
      .command('again')
      .description(
        'run executions that have ended again, as new ones: one by its id, or all that filters find',
      )
      .argument('[id]', 'id of one execution'),
  )
    .option('--since <time>', 'ended then or later')
    .option('--until <time>', 'ended before')
    .option('--current', 'against the current workspace (default: the generation of the run before)')
    .option('--secret <name=value>', 'a secret of its context, which is not kept; repeatable', collect)
    .option('--yes', 'with filters: run them; without it they are only listed')
    .option('--json', 'print what the API answers')
    .addHelpText('after', `${TIMES}\n\nExit codes:\n  0 queued, 1 some were refused`)
    .action(async (id: string | undefined, options: AgainOptions) => {
      const { again } = await import('../executions/again.js');
      exit(await again(id, options, io()));
    });

  program
    .command('forget')
    .description('delete the data of executions that have ended, in Redis and in the archive')
    .argument('[id]', 'id of one execution')
    .option('--organization <id>', 'all of this organization instead')
    .option('--json', 'print the document of the API')
    .action(async (id: string | undefined, options: ForgetOptions) => {
      const { forget } = await import('../executions/forget.js');
      exit(await forget(id, options, io()));
    });
}
