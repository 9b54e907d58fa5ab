import type { ExecutionSummary } from '../../contract/history.js';
import { EXECUTION_STATUSES } from '../../contract/failure.js';
import { duration } from '../../lib/text/duration.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { type FilterOptions, filterQuery, momentOf, present } from './history-options.js';
import { asJson, type Output, paint, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';

export interface HistoryOptions extends FilterOptions {
  since?: string;
  until?: string;
  limit?: string;
  cursor?: string;
  json?: boolean;
}

const ERROR_CHARS = 60;

/**
 * `bifrost history`: prints executions that have ended, newest first. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer.
 */
export async function history(
  options: HistoryOptions,
  { access, output }: { access: ApiAccess; output: Output },
): Promise<ExitCode> {
  const { stdout, stderr } = output;
  const { since, until, limit, cursor, json, ...filter } = options;
  const now = new Date();
  const page = await new ApiClient(access).history({
    status: EXECUTION_STATUSES.join(','),
    ...filterQuery(filter),
    ...present({
      since: momentOf('--since', since, now),
      until: momentOf('--until', until, now),
      limit,
      cursor,
    }),
  });
  if (json) {
    stdout.write(asJson(page));
    return EXIT.succeeded;
  }
  if (page.executions.length === 0) stdout.write('no such executions\n');
  else
    stdout.write(
      tableOf(
        HEADINGS,
        page.executions.map((execution) => rowOf(execution, stdout)),
      ),
    );
  if (page.next_cursor !== null) stderr.write(`there are more: --cursor ${plain(page.next_cursor)}\n`);
  return EXIT.succeeded;
}

const HEADINGS = ['FINISHED', 'ID', 'STATUS', 'DURATION', 'WORKFLOW', 'CALLER', 'ERROR'];

function rowOf(execution: ExecutionSummary, stdout: NodeJS.WritableStream): Cell[] {
  const { status, error, failure_code: code } = execution;
  const colour = status === 'succeeded' ? 'green' : status === 'cancelled' ? 'yellow' : 'red';
  const line = plain(error ?? '').slice(0, ERROR_CHARS);
  return [
    { text: plain(execution.finished_at) },
    { text: plain(execution.execution_id) + (execution.run > 1 ? ` (run ${execution.run})` : '') },
    { text: plain(status), paint: (text) => paint(colour, text, stdout) },
    { text: duration(execution.duration_ms) },
    { text: plain(execution.workflow_id ?? '-') },
    { text: plain(execution.caller_email ?? execution.caller_id ?? '-') },
    { text: code === null ? '' : `${plain(code)} ${line}` },
  ];
}
