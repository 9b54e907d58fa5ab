import { FILTER_ROWS, type FilterName, type HISTORY_FILTERS } from '../../contract/history/fields.js';
import { CommandError, EXIT } from '../output/exit.js';

type Rows = typeof HISTORY_FILTERS;
type CamelCase<Text> = Text extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Text;
type OptionName<Row> = Row extends { option: `--${infer Name} <${string}>` } ? CamelCase<Name> : never;

/** The filters of `history` and `export`, as commander reads them from the command line. */
export type FilterOptions = { [Name in FilterName as OptionName<Rows[Name]>]?: string };

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The query of the API that says the same; what was not given is left out. */
export function filterQuery(options: FilterOptions): Record<string, string> {
  const given = options as Readonly<Record<string, string | undefined>>;
  const query = FILTER_ROWS.map(([name, { option, unit }]) => {
    const [flag = ''] = option?.split(' ') ?? [];
    const value = given[optionName(flag)];
    return [name, unit === undefined || value === undefined ? value : String(durationMs(flag, value))];
  });
  return present(Object.fromEntries(query) as Record<string, string | undefined>);
}

/** The name that commander has for an option: `--min-duration` is minDuration. */
const optionName = (flag: string): string =>
  flag.slice(2).replaceAll(/-(.)/g, (_dash, letter: string) => letter.toUpperCase());

/**
 * A moment as the API takes it: ISO 8601 as it is, or how long ago, such as 24h or 7d.
 * @param now what is counted back from
 */
export function momentOf(option: string, text: string | undefined, now: Date): string | undefined {
  if (text === undefined || !/^\d+(\.\d+)?(ms|[smhdw])$/.test(text)) return text;
  const time = new Date(now.getTime() - durationMs(option, text));
  if (Number.isNaN(time.getTime())) throw new CommandError(EXIT.usage, `${option}: ${text} is too long ago`);
  return time.toISOString();
}

/** Entries that have a value. */
export const present = (query: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );

/** Milliseconds of a length of time, such as 500ms, 1.5s, 10m; a plain number is seconds. */
export function durationMs(option: string, text: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|[smhdw])?$/.exec(text) ?? [];
  if (amount !== undefined) return Number(amount) * (UNITS_MS[unit] as number);
  throw new CommandError(EXIT.usage, `${option}: must be a length of time, such as 500ms, 1.5s or 10m`);
}
