import type { StatisticGroup, Statistics, StatisticsGroup } from '../../contract/history.js';
import { duration } from '../../lib/text/duration.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { momentOf, present } from './history-options.js';
import { asJson, type Output, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';

export interface StatsOptions {
  since?: string;
  until?: string;
  by?: string;
  workflow?: string;
  organization?: string;
  status?: string;
  json?: boolean;
}

/**
 * `bifrost stats`: prints how many executions there were and how long they took. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer.
 */
export async function stats(
  { since, until, by, workflow, organization, status, json }: StatsOptions,
  { access, output: { stdout } }: { access: ApiAccess; output: Output },
): Promise<ExitCode> {
  const now = new Date();
  const answer = await new ApiClient(access).statistics(
    present({
      since: momentOf('--since', since, now),
      until: momentOf('--until', until, now),
      by,
      workflow,
      organization,
      status,
    }),
  );
  if (json) stdout.write(asJson(answer));
  else if (answer.groups.length === 0)
    stdout.write(`no executions from ${plain(answer.from)} to ${plain(answer.to)}\n`);
  else stdout.write(statisticsTable(answer));
  return EXIT.succeeded;
}

const COLUMNS: readonly [name: StatisticGroup, heading: string, cell: (group: StatisticsGroup) => string][] =
  [
    ['day', 'DAY', ({ day }) => day ?? ''],
    ['workflow', 'WORKFLOW', ({ workflow_id: id }) => id ?? '-'],
    ['status', 'STATUS', ({ status }) => status ?? ''],
  ];

/** A group on a line; of day, workflow and status the columns that the groups have. */
export function statisticsTable({ groups }: Statistics): string {
  const [first] = groups;
  const fields = { day: 'day', workflow: 'workflow_id', status: 'status' } as const;
  const columns = COLUMNS.filter(([name]) => first !== undefined && fields[name] in first);
  const headings = [...columns.map(([, heading]) => heading), 'EXECUTIONS', 'MEAN', 'P50', 'P95'];
  const rows = groups.map((group): Cell[] => {
    const { mean, p50, p95 } = group.duration_ms;
    const figures = [String(group.executions), ...[mean, p50, p95].map(duration)];
    return [...columns.map(([, , cell]) => plain(cell(group))), ...figures].map((text) => ({ text }));
  });
  return tableOf(headings, rows);
}
