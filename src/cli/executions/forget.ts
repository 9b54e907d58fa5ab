import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output } from '../output/output.js';

export interface ForgetOptions {
  organization?: string;
  json?: boolean;
}

/**
 * `bifrost forget ID` and `bifrost forget --organization ID`: deletes what is kept of executions that have
 * ended. Resolves with the exit code.
 * @throws {CommandError} when the API does not do it.
 */
export async function forget(
  id: string | undefined,
  { organization, json }: ForgetOptions,
  { access, output: { stdout }, interrupt }: { access: ApiAccess; output: Output; interrupt: AbortSignal },
): Promise<ExitCode> {
  if ((id === undefined) === (organization === undefined))
    throw new CommandError(EXIT.usage, 'name either the id of an execution or --organization');
  const client = new ApiClient(access, interrupt);
  const path =
    id === undefined
      ? `/organizations/${encodeURIComponent(organization ?? '')}/executions`
      : `/executions/${encodeURIComponent(id)}/record`;
  const answer = await client.forget(path);
  stdout.write(
    json
      ? asJson(answer)
      : `forgotten: ${answer.executions} executions, ${answer.archived} of them archived\n`,
  );
  return EXIT.succeeded;
}
