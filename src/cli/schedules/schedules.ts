import type { Schedule, ScheduleState, ScheduleSummary } from '../../contract/api/schedules.js';
import { period } from '../../lib/text/duration.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Colour, type Output, paint, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';
import type { SchedulesIo } from './schedules-io.js';

interface ShownOptions {
  json?: boolean;
}

const COLOURS: Readonly<Record<ScheduleState, Colour>> = { active: 'green', paused: 'yellow', ended: 'dim' };
const HEADINGS = ['ID', 'STATE', 'WHEN', 'NEXT', 'OVERLAP', 'MISSED', 'SET BY'];
const PAGE = '500';

/** `bifrost schedules`: prints all of them. Each command here throws {@link CommandError} without an answer. */
export async function listSchedules(
  { json }: ShownOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  const client = new ApiClient(access);
  const schedules: ScheduleSummary[] = [];
  let cursor: string | null = null;
  do {
    const query: Record<string, string> = { limit: PAGE, ...(cursor === null ? {} : { cursor }) };
    const page = await client.schedules(query);
    schedules.push(...page.schedules);
    cursor = page.next_cursor;
  } while (cursor !== null);
  const { stdout } = output;
  if (json) stdout.write(asJson({ schedules }));
  else if (schedules.length === 0) stdout.write('no schedules\n');
  else
    stdout.write(
      tableOf(
        HEADINGS,
        schedules.map((one) => rowOf(one, stdout)),
      ),
    );
  return EXIT.succeeded;
}

/** `bifrost schedules show ID` */
export async function showSchedule(
  id: string,
  options: ShownOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  return printSchedule(await new ApiClient(access).schedule(id), options, output);
}

/** `bifrost schedules pause ID`, `bifrost schedules resume ID` */
export async function changeSchedule(
  change: 'pause' | 'resume',
  id: string,
  options: ShownOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  return printSchedule(await new ApiClient(access).changeSchedule(id, change), options, output);
}

/** `bifrost schedules run ID` */
export async function runSchedule(
  id: string,
  { json }: ShownOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  const answer = await new ApiClient(access).runSchedule(id);
  output.stdout.write(json ? asJson(answer) : `${plain(answer.execution_id)}\n`);
  return EXIT.succeeded;
}

/** `bifrost schedules remove ID` */
export async function removeSchedule(
  id: string,
  { json }: ShownOptions,
  { access, output }: SchedulesIo,
): Promise<ExitCode> {
  const answer = await new ApiClient(access).removeSchedule(id);
  output.stdout.write(json ? asJson(answer) : `${plain(id)} is removed\n`);
  return EXIT.succeeded;
}

/** Prints one schedule. */
export function printSchedule(schedule: Schedule, { json }: ShownOptions, { stdout }: Output): ExitCode {
  stdout.write(json ? asJson(schedule) : textOf(schedule, stdout));
  return EXIT.succeeded;
}

function textOf(schedule: Schedule, stdout: NodeJS.WritableStream): string {
  const { id, state, overlap, missed, next } = schedule;
  const head = `${plain(id)}  ${paint(COLOURS[state] ?? 'dim', plain(state), stdout)}  ${whenOf(schedule)}  overlap: ${plain(overlap)}  missed: ${plain(missed)}`;
  const times = next.length === 0 ? ['no next tick'] : ['next:', ...next.map((time) => `  ${plain(time)}`)];
  return `${[head, ...times, `bifrost history --schedule ${plain(id)} shows what ran`].join('\n')}\n`;
}

function rowOf(schedule: ScheduleSummary, stdout: NodeJS.WritableStream): Cell[] {
  const { id, state, next, overlap, missed, source } = schedule;
  return [
    { text: plain(id) },
    { text: plain(state), paint: (text) => paint(COLOURS[state] ?? 'dim', text, stdout) },
    { text: whenOf(schedule) },
    { text: plain(next ?? '-') },
    { text: plain(overlap) },
    { text: plain(missed) },
    { text: source === 'api' ? 'api' : 'producer' },
  ];
}

const whenOf = ({ cron, tz, every }: Pick<Schedule, 'cron' | 'tz' | 'every'>): string =>
  every === null ? plain(`${cron} ${tz ?? ''}`).trim() : `every ${period(every)}`;
