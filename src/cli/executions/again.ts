import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { type FilterOptions, filterQuery, momentOf, present } from '../history/history-options.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import type { AgainEntry } from './again-entry.js';
import { parseSecret } from './secret-option.js';
import { asJson, type Output, plain } from '../output/output.js';

export interface AgainOptions extends FilterOptions {
  since?: string;
  until?: string;
  /** Against the current workspace instead of that of the run before. */
  current?: boolean;
  secret?: readonly string[];
  /** Queue what the filter finds, instead of only saying what it is. */
  yes?: boolean;
  json?: boolean;
}

/**
 * `bifrost again ID`, or with filters: has executions that have ended run again, as new ones. Without --yes filters
 * only say what they find. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer.
 */
export async function again(
  id: string | undefined,
  options: AgainOptions,
  { access, output }: { access: ApiAccess; output: Output },
): Promise<ExitCode> {
  const { since, until, current = false, secret = [], yes = false, json = false, ...filters } = options;
  const now = new Date();
  const filter = {
    ...filterQuery(filters),
    ...present({ since: momentOf('--since', since, now), until: momentOf('--until', until, now) }),
  };
  const isFiltered = Object.keys(filter).length > 0;
  if ((id === undefined) !== isFiltered)
    throw new CommandError(EXIT.usage, 'name the id of an execution, or filters that find some');
  const how = {
    workspace: current ? ('current' as const) : ('same' as const),
    ...(secret.length === 0 ? {} : { secrets: Object.fromEntries(secret.map((one) => parseSecret(one))) }),
  };
  const client = new ApiClient(access);
  if (id !== undefined) {
    const answer = await client.again(id, how);
    output.stdout.write(json ? asJson(answer) : `${plain(answer.execution_id)}\n`);
    return EXIT.succeeded;
  }
  return runMany(client, { filter, dry_run: !yes, ...how }, { json, output });
}

async function runMany(
  client: ApiClient,
  request: { filter: Record<string, string>; dry_run: boolean },
  { json, output: { stdout, stderr } }: { json: boolean; output: Output },
): Promise<ExitCode> {
  let cursor: string | null = null;
  let refused = 0;
  let found = 0;
  do {
    const answer = await client.againMany({ ...request, ...(cursor === null ? {} : { cursor }) });
    for (const entry of answer.executions) {
      found += 1;
      if (entry.status === 'refused') refused += 1;
      stdout.write(json ? `${JSON.stringify(entry)}\n` : `${lineOf(entry)}\n`);
    }
    cursor = answer.next_cursor;
  } while (cursor !== null);
  if (request.dry_run) stderr.write(`${found} executions; --yes runs them again\n`);
  return refused > 0 ? EXIT.failed : EXIT.succeeded;
}

function lineOf({ again_of: of, execution_id: id, detail }: AgainEntry): string {
  if (detail !== undefined) return `${plain(of)}: ${plain(detail)}`;
  return id === undefined ? plain(of) : `${plain(of)} -> ${plain(id)}`;
}
