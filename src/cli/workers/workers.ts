import type { WorkerState } from '../../contract/worker-record.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Colour, type Output, paint } from '../output/output.js';
import { workersTable } from './workers-table.js';

/** A worker that is newer than this command may be in a state that is not listed. */
const STATE_COLOURS: Readonly<Record<WorkerState, Colour>> = {
  STARTING: 'yellow',
  ACTIVE: 'green',
  PAUSED: 'yellow',
  DRAINING: 'yellow',
  STOPPED: 'dim',
};

/**
 * `bifrost workers`: prints the workers that are alive. Resolves with the exit code.
 * @throws {CommandError} when the API gives no answer.
 */
export async function workers(
  options: { json?: boolean },
  { access, output: { stdout } }: { access: ApiAccess; output: Output },
): Promise<ExitCode> {
  const answer = await new ApiClient(access).workers();
  if (options.json) {
    stdout.write(asJson(answer));
  } else if (answer.workers.length === 0) {
    stdout.write('no live workers\n');
  } else {
    const paintState = (state: WorkerState, text: string): string =>
      paint(STATE_COLOURS[state] ?? 'dim', text, stdout);
    stdout.write(workersTable(answer.workers, new Date(), paintState));
  }
  return EXIT.succeeded;
}
