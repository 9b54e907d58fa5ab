// Loads no zod: the command line has its options from here, and must start fast.
import { EXECUTION_STATUSES, FAILURE_CODES } from '../failure.js';

/** What a field of a listed execution holds. */
export type FieldKind = 'text' | 'text or null' | 'number' | 'texts';

interface SummaryField {
  holds: FieldKind;
  description?: string;
}

/** The fields of one archived execution in a list, each a column of the archive: `columns.ts` there says what it holds. */
export const SUMMARY_FIELDS = {
  execution_id: { holds: 'text' },
  run: { holds: 'number', description: 'Which run of the execution it is; 1: the first' },
  schedule: { holds: 'text or null', description: 'Id of the job scheduler whose tick it is' },
  again_of: { holds: 'text or null', description: 'Id of the execution that it was run again of' },
  status: { holds: 'text' },
  failure_code: { holds: 'text or null' },
  error_type: { holds: 'text or null' },
  error: { holds: 'text or null' },
  workflow_id: { holds: 'text or null' },
  organization_id: { holds: 'text or null' },
  caller_id: { holds: 'text or null' },
  caller_email: { holds: 'text or null' },
  worker_id: { holds: 'text' },
  attempt: { holds: 'number' },
  tags: { holds: 'texts' },
  started_at: { holds: 'text' },
  finished_at: { holds: 'text' },
  duration_ms: { holds: 'number' },
  queued_ms: { holds: 'number' },
} as const satisfies Readonly<Record<string, SummaryField>>;

/** One way to narrow the history. */
interface FilterRow {
  /**
   * How the value of the filter and that of a column are compared: `some of` several values of a closed set, `one of`
   * it, `equal` to at least one column, `among` the texts of a column, `part` of a text in any case of letters,
   * `at least` a number, `from` a time on, `before` a time.
   */
  match: 'some of' | 'one of' | 'equal' | 'among' | 'part' | 'at least' | 'from' | 'before';
  /** Of the archive. */
  columns: readonly string[];
  /** The closed set. */
  values?: readonly string[];
  /** What the number counts. */
  unit?: 'milliseconds';
  /** For the documentation of the API. */
  description?: string;
  /** Option of the commands that list; times have options of each command's own. */
  option?: `--${string} <${string}>`;
  /** What the help says of the option. */
  help?: string;
}

/**
 * The filters of the history, by their parameter of the API's query. The check of that parameter, the condition in SQL
 * and the option of `bifrost history` and `bifrost export` are derived from a row here.
 */
export const HISTORY_FILTERS = {
  status: {
    match: 'some of',
    columns: ['status'],
    values: EXECUTION_STATUSES,
    option: '--status <list>',
    help: `${EXECUTION_STATUSES.join(', ')}; several with commas`,
  },
  code: {
    match: 'one of',
    columns: ['failure_code'],
    values: FAILURE_CODES,
    option: '--code <code>',
    help: 'failure code, such as TIMED_OUT',
  },
  workflow: { match: 'equal', columns: ['workflow_id'], option: '--workflow <id>' },
  organization: { match: 'equal', columns: ['organization_id'], option: '--organization <id>' },
  caller: {
    match: 'equal',
    columns: ['caller_id', 'caller_email'],
    description: 'User id or e-mail address',
    option: '--caller <id>',
    help: 'user id or e-mail address',
  },
  worker: { match: 'equal', columns: ['worker_id'], option: '--worker <id>' },
  schedule: {
    match: 'equal',
    columns: ['schedule'],
    description: 'Id of the job scheduler whose ticks they are',
    option: '--schedule <id>',
    help: 'id of a job scheduler: its ticks',
  },
  again_of: {
    match: 'equal',
    columns: ['again_of'],
    description: 'Id of the execution that they were run again of',
    option: '--again-of <id>',
    help: 'id of an execution: those that were run again of it',
  },
  tag: { match: 'among', columns: ['tags'], option: '--tag <tag>' },
  since: {
    match: 'from',
    columns: ['finished_at'],
    description: 'Ended at this time or later; UTC unless it says otherwise',
  },
  until: { match: 'before', columns: ['finished_at'], description: 'Ended before this time' },
  min_duration_ms: {
    match: 'at least',
    columns: ['duration_ms'],
    unit: 'milliseconds',
    option: '--min-duration <time>',
    help: 'shortest duration to list: 500ms, 1.5s, 10m',
  },
  text: {
    match: 'part',
    columns: ['search'],
    description:
      'Part of the id, of the error message or of a tag, with SEARCH_PARAMETERS of the parameters too, in any case of letters',
    option: '--text <text>',
    help: 'part of the id, of the error or of a tag',
  },
} as const satisfies Readonly<Record<string, FilterRow>>;

type Filters = typeof HISTORY_FILTERS;
export type FilterName = keyof Filters;

/** What a filter is compared with. */
interface ValueOf {
  'some of': readonly string[];
  'one of': string;
  equal: string;
  among: string;
  part: string;
  'at least': number;
  from: Date;
  before: Date;
}

/** What executions must be to be found; every field narrows. */
export type HistoryFilter = { [Name in FilterName]?: ValueOf[Filters[Name]['match']] | undefined } & {
  /** Those that the caller may see; undefined: all. */
  organizations?: readonly string[] | undefined;
};

/** The rows of {@link HISTORY_FILTERS} by name, for code that treats all alike. */
export const FILTER_ROWS = Object.entries(HISTORY_FILTERS) as readonly [FilterName, Readonly<FilterRow>][];
