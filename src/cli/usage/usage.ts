import type { UsageRow } from '../../contract/tenants/usage.js';
import { USAGE_COLUMNS, usageCsv } from '../../contract/tenants/usage-csv.js';
import { momentOf, present } from '../history/history-options.js';
import type { ApiAccess } from '../http/api-access.js';
import { askAll } from '../http/ask.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { tableOf } from '../output/table.js';

/** What the command needs beside its command line. */
export interface UsageIo {
  access: ApiAccess;
  output: Output;
}

/** Options of `bifrost usage`, as they stand on the command line. */
export interface UsageOptions {
  organization?: string;
  since?: string;
  until?: string;
  csv?: boolean;
  json?: boolean;
}

const HEADINGS = ['DAY', 'ORGANIZATION', 'EXECUTIONS', 'CPU SECONDS', 'NETWORK BYTES', 'ARTIFACT BYTES'];
const DAY_CHARS = 10;

/** `bifrost usage`: prints what organizations used, by day. @throws {CommandError} without a proper answer. */
export async function usage(options: UsageOptions, { access, output }: UsageIo): Promise<ExitCode> {
  const { organization, since, until, csv, json } = options;
  const now = new Date();
  const query = present({
    organization,
    since: momentOf('--since', since, now)?.slice(0, DAY_CHARS),
    until: momentOf('--until', until, now)?.slice(0, DAY_CHARS),
  });
  const search = new URLSearchParams(query).toString();
  const rows = await askAll<UsageRow>(access, `/usage${search === '' ? '' : `?${search}`}`, 'usage');
  const { stdout } = output;
  if (json) stdout.write(asJson({ usage: rows }));
  else if (csv) stdout.write(usageCsv(rows));
  else if (rows.length === 0) stdout.write(`${nothingUsed(options)}\n`);
  else
    stdout.write(
      tableOf(
        HEADINGS,
        rows.map((row) => USAGE_COLUMNS.map((name) => ({ text: plain(String(row[name])) }))),
      ),
    );
  return EXIT.succeeded;
}

/** What an empty list means: usage has a row only for days on which an execution of an organization ended. */
function nothingUsed({ organization, since, until }: UsageOptions): string {
  const whose = organization === undefined ? 'an organization' : `the organization ${plain(organization)}`;
  const days = since === undefined && until === undefined ? 'in the last 30 days' : 'on these days';
  return `no execution of ${whose} ended ${days}; executions without an organization are not counted`;
}
