import type { Schedule, ScheduleSummary } from '../../../src/contract/api/schedules.js';
import { DraftError, numberIn, optionalNumber, parametersIn } from './draft-fields.js';

/** Units of `every` in the form, in milliseconds. */
export const UNITS = { seconds: 1_000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
export type Unit = keyof typeof UNITS;

/** A schedule as it is in the form: every field is text that a person writes. */
export interface ScheduleDraft {
  id: string;
  by: 'cron' | 'every';
  cron: string;
  tz: string;
  every: string;
  unit: Unit;
  /** As `<input type="datetime-local">` has it, in the zone of the browser; '': none. */
  start: string;
  end: string;
  overlap: ScheduleSummary['overlap'];
  missed: ScheduleSummary['missed'];
  runs: 'module' | 'code' | 'task';
  filePath: string;
  functionName: string;
  code: string;
  parameters: string;
  timeout: string;
  attempts: string;
  webhook: string;
  /** Their values, which have to be given again with each change. */
  secrets: Record<string, string>;
}

type Content = Record<string, unknown>;

/** What the form begins with: the schedule as it is, or a new one. Pure but for the zone of the browser. */
export function draftOf(former: Schedule | undefined): ScheduleDraft {
  const content: Content = former?.execution ?? former?.task ?? {};
  const [unit, every] = unitOf(former?.every ?? UNITS.hours);
  const textOf = (name: string): string => {
    const value = content[name];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const { workflow_code: code, parameters, secrets } = content;
  return {
    id: former?.id ?? '',
    by: former && former.every !== null ? 'every' : 'cron',
    cron: former?.cron ?? '0 2 * * *',
    tz: former?.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    every,
    unit,
    start: localOf(former?.start ?? null),
    end: localOf(former?.end ?? null),
    overlap: former?.overlap ?? 'skip',
    missed: former?.missed ?? 'one',
    runs: former?.task ? 'task' : former === undefined || code == null ? 'module' : 'code',
    filePath: textOf('file_path'),
    functionName: former === undefined ? 'default' : textOf('function_name'),
    code: former?.task ? textOf('code') : textOf('workflow_code'),
    parameters: parameters == null ? '{}' : JSON.stringify(parameters, null, 2),
    timeout: textOf(former?.task ? 'timeout' : 'timeout_seconds'),
    attempts: textOf('attempts'),
    webhook: former?.webhook?.url ?? '',
    secrets: Object.fromEntries(Object.keys(secrets ?? {}).map((name) => [name, ''])),
  };
}

/**
 * The body of `PUT /schedules/:id`; what the form has no field for stays as it was.
 * @throws {DraftError} saying what to change
 */
export function requestOf(draft: ScheduleDraft, former: Schedule | undefined): Content {
  const isTask = draft.runs === 'task';
  return {
    ...(draft.by === 'cron'
      ? { cron: draft.cron.trim(), tz: draft.tz.trim() || 'UTC' }
      : { every: Math.round(numberIn(draft.every, 'Every') * UNITS[draft.unit]) }),
    start: isoOf(draft.start),
    end: isoOf(draft.end),
    overlap: draft.overlap,
    missed: draft.missed,
    webhook: webhookOf(draft, former),
    [isTask ? 'task' : 'execution']: isTask ? taskOf(draft, former) : executionOf(draft, former),
  };
}

/** Without an end there is none to report. A receiver that operators named is not shown in the form, and stays. */
function webhookOf({ end, webhook }: ScheduleDraft, former: Schedule | undefined): Content | null {
  if (end === '') return null;
  if (webhook.trim() !== '') return { url: webhook.trim() };
  return former?.webhook?.endpoint == null ? null : { endpoint: former.webhook.endpoint };
}

function executionOf(draft: ScheduleDraft, former: Schedule | undefined): Content {
  const { parameters: _, secrets: __, ...rest } = former?.execution ?? {};
  const parameters = parametersIn(draft.parameters);
  const isCode = draft.runs === 'code';
  return withoutEmpty({
    ...rest,
    workflow_code: isCode ? draft.code : null,
    file_path: draft.filePath.trim(),
    function_name: draft.functionName.trim(),
    parameters,
    timeout_seconds: optionalNumber(draft.timeout, 'The time limit'),
    attempts: optionalNumber(draft.attempts, 'Attempts'),
    secrets: Object.keys(draft.secrets).length > 0 ? draft.secrets : null,
  });
}

const taskOf = (draft: ScheduleDraft, former: Schedule | undefined): Content =>
  withoutEmpty({
    ...former?.task,
    code: draft.code,
    timeout: optionalNumber(draft.timeout, 'The time limit'),
    attempts: optionalNumber(draft.attempts, 'Attempts'),
  });

const withoutEmpty = (content: Content): Content =>
  Object.fromEntries(Object.entries(content).filter(([, value]) => value != null && value !== ''));

/** The largest unit that a length of time is whole in, and how many. */
function unitOf(ms: number): [Unit, string] {
  const names = Object.keys(UNITS).toReversed() as Unit[];
  const unit = names.find((name) => ms % UNITS[name] === 0) ?? 'seconds';
  return [unit, String(ms / UNITS[unit])];
}

function isoOf(local: string): string | null {
  if (local === '') return null;
  const date = new Date(local);
  if (Number.isNaN(date.getTime())) throw new DraftError('Start and end must be times');
  return date.toISOString();
}

/** A time to the second, in the zone of the browser. */
function localOf(iso: string | null): string {
  if (iso === null) return '';
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
