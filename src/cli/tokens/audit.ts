import type { AuditEntry, AuditPage } from '../../contract/tenants/access.js';
import { momentOf, present } from '../history/history-options.js';
import { ask } from '../http/ask.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, plain } from '../output/output.js';
import { type Cell, tableOf } from '../output/table.js';
import type { TokensIo } from './tokens.js';

/** Options of `bifrost audit`, as they stand on the command line. */
export interface AuditOptions {
  token?: string;
  organization?: string;
  since?: string;
  until?: string;
  limit?: string;
  json?: boolean;
}

const HEADINGS = ['AT', 'TOKEN', 'ROLE', 'ACTION', 'TARGET', 'STATUS'];

/** `bifrost audit`: prints the newest entries. @throws {CommandError} without a proper answer. */
export async function listAudit(options: AuditOptions, { access, output }: TokensIo): Promise<ExitCode> {
  const { token, organization, since, until, limit, json } = options;
  const now = new Date();
  const query = present({
    token,
    organization,
    since: momentOf('--since', since, now),
    until: momentOf('--until', until, now),
    limit,
  });
  const page = await ask<AuditPage>(access, {
    path: `/audit?${new URLSearchParams(query).toString()}`,
    field: 'entries',
  });
  if (json) output.stdout.write(asJson(page));
  else if (page.entries.length === 0) output.stdout.write('no entries\n');
  else output.stdout.write(tableOf(HEADINGS, page.entries.map(rowOf)));
  return EXIT.succeeded;
}

const rowOf = ({ at, token_name, role, action, target, status }: AuditEntry): Cell[] =>
  [at, token_name, role, action, target, String(status)].map((text) => ({ text: plain(text) }));
