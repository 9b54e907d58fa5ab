import type { Command } from 'commander';
import { MISSED_NAMES, OVERLAP_NAMES } from './schedule-options.js';
import type { ExitCode } from '../output/exit.js';
import type { SetOptions } from './schedule-options.js';
import type { SchedulesIo } from './schedules-io.js';

interface ShownOptions {
  json?: boolean;
}

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

/** Adds `list`, `show`, `set`, `remove`, `pause`, `resume` and `run` to `bifrost schedules`. */
export function defineSchedules(
  schedules: Command,
  io: () => SchedulesIo,
  exit: (code: ExitCode) => void,
): void {
  const commands = () => import('./schedules.js');
  const JSON_OPTION = ['--json', 'print the document of the API'] as const;
  schedules
    .command('list', { isDefault: true })
    .description('list all schedules, and when each ticks next')
    .option(...JSON_OPTION)
    .action(async (options: ShownOptions) => exit(await (await commands()).listSchedules(options, io())));
  schedules
    .command('show')
    .description('show a schedule, and when it ticks the next ten times')
    .argument('<id>', 'id of the schedule')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).showSchedule(id, options, io())),
    );
  schedules
    .command('set')
    .description('set a schedule, or change it: the options are all that it is')
    .argument('<id>', 'letters, digits and _ . -')
    .argument('[file]', 'JavaScript or TypeScript that each tick runs')
    .option('--module <path>', 'module of the workspace instead of a file, such as workflows/report.ts')
    .option('--cron <pattern>', 'when: minute, hour, day, month and day of the week')
    .option('--tz <zone>', 'time zone of --cron, such as Europe/Berlin (default: UTC)')
    .option('--every <time>', 'when, instead of --cron: such as 30s, 10m, 24h')
    .option('--start <time>', 'not before this time (ISO 8601)')
    .option('--end <time>', 'not after this time (ISO 8601)')
    .option('--overlap <policy>', `where the tick before has not ended: ${OVERLAP_NAMES} (default: allow)`)
    .option('--missed <policy>', `ticks that no worker came to in time: ${MISSED_NAMES} (default: one)`)
    .option('--paused', 'it does not tick until it is resumed')
    .option('--param <name=value>', 'parameter of the function, as JSON or text; repeatable', collect)
    .option('--function <name>', 'export to call (default: "default" when there are parameters)')
    .option('--secret <name=value>', 'secret of each tick; repeatable', collect)
    .option('--timeout <seconds>', 'time limit of each tick (default: that of the worker)')
    .option('--attempts <n>', 'how often each tick is tried while its code fails (default: once)')
    .option('--network <policy>', 'network of the code: none, proxy or open; not more than the worker has')
    .option(...JSON_OPTION)
    .action(async (id: string, file: string | undefined, options: SetOptions) => {
      const { setSchedule } = await import('./schedules-set.js');
      exit(await setSchedule(id, file, options, io()));
    });
  for (const [name, about] of [
    ['pause', 'no tick is due until it is resumed'],
    ['resume', 'it ticks from now on; what was due meanwhile does not run'],
  ] as const)
    schedules
      .command(name)
      .description(about)
      .argument('<id>', 'id of the schedule')
      .option(...JSON_OPTION)
      .action(async (id: string, options: ShownOptions) =>
        exit(await (await commands()).changeSchedule(name, id, options, io())),
      );
  schedules
    .command('run')
    .description('have it tick now, and print the id of the execution')
    .argument('<id>', 'id of the schedule')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).runSchedule(id, options, io())),
    );
  schedules
    .command('remove')
    .description('remove it; its executions stay in the history')
    .argument('<id>', 'id of the schedule')
    .option(...JSON_OPTION)
    .action(async (id: string, options: ShownOptions) =>
      exit(await (await commands()).removeSchedule(id, options, io())),
    );
}
