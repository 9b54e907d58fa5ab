import type { ControlAnswer } from '../../contract/control.js';
import { ApiClient, type OperatorCommand } from '../http/api-client.js';
import { CommandError, EXIT, type ExitCode } from '../output/exit.js';
import { asJson, paint, plain } from '../output/output.js';
import { tableOf } from '../output/table.js';
import type { WorkersTerminal } from './workers-terminal.js';

/** Which worker; without `id` every worker that is alive. */
export interface ControlOptions {
  id?: string;
  /** Only the runner of this process; for `recycle`. */
  pid?: number;
  json?: boolean;
}

const EVERY_WORKER = 'all';

/**
 * `bifrost workers recycle|drain|pause|resume`: sends a command to workers and prints what each did.
 * Resolves with the exit code, which is a failure unless every one of them carried it out.
 * @throws {CommandError} when there is no such worker, or the API does not answer.
 */
export async function commandWorkers(
  command: OperatorCommand,
  { id, pid, json }: ControlOptions,
  { access, output: { stdout } }: WorkersTerminal,
): Promise<ExitCode> {
  const client = new ApiClient(access);
  const alive = (await client.workers()).workers.map((worker) => worker.id);
  if (alive.length === 0) throw new CommandError(EXIT.failed, 'there are no live workers');
  if (id !== undefined && !alive.includes(id)) {
    const names = alive.map(plain).join(', ');
    throw new CommandError(EXIT.failed, `no worker ${plain(id)} is alive; there are: ${names}`);
  }
  const answer = await client.control(id ?? EVERY_WORKER, command, pid);
  stdout.write(json ? asJson(answer) : answersTable(answer.answers, stdout));
  return answer.answers.every(({ obeyed }) => obeyed) ? EXIT.succeeded : EXIT.failed;
}

function answersTable(answers: readonly ControlAnswer[], stdout: NodeJS.WritableStream): string {
  const rows = answers.map(({ worker_id: id, obeyed, detail }) => [
    { text: plain(id) },
    obeyed
      ? { text: 'obeyed', paint: (text: string) => paint('green', text, stdout) }
      : { text: 'did not', paint: (text: string) => paint('red', text, stdout) },
    { text: plain(detail) },
  ]);
  return tableOf(['ID', 'ANSWER', 'DETAIL'], rows);
}
