import { duration } from '../../lib/text/duration.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient, type ExecutionView, hasEnded } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';
import { exitCodeOf, reportOf } from './run-report.js';

/**
 * `bifrost status ID`: says how far an execution is and, while it is queued, why it waits. Resolves with
 * the exit code of its outcome, or 0 while it has none.
 * @throws {CommandError} when the API gives no answer.
 */
export async function status(
  id: string,
  { json = false }: { json?: boolean },
  { access, output: { stdout } }: { access: ApiAccess; output: Output },
): Promise<ExitCode> {
  const view = await new ApiClient(access).find(id, 0);
  stdout.write(json ? asJson(view) : `${statusLine(view)}\n`);
  return hasEnded(view) ? exitCodeOf(view.status) : EXIT.succeeded;
}

/** One line about an execution. */
export function statusLine(view: ExecutionView): string {
  const id = plain(view.execution_id);
  if (hasEnded(view)) {
    const failure = reportOf(view).failure.split('\n', 1)[0] as string;
    return `${id} ${failure || view.status.replaceAll('_', ' ')} (${duration(view.duration_ms)})`;
  }
  if (view.status === 'running') {
    const where = view.worker_id === undefined ? '' : ` on ${plain(view.worker_id)}`;
    const ending = view.cancellation ? ', cancellation requested' : '';
    return `${id} running${where}, attempt ${view.attempt ?? 1}${ending}`;
  }
  return `${id} ${view.status}${waitingWords(view)}`;
}

/** Why it waits, after a colon; empty where the reason is unknown. */
export function waitingWords({ waiting }: { waiting?: ExecutionView['waiting'] }): string {
  if (!waiting) return '';
  const { reason, position, queued, age_ms: age, detail } = waiting;
  const place = position === null ? '' : `, position ${position} of ${queued}`;
  const since = age === null ? '' : `, for ${duration(age)}`;
  return `: ${plain(reason)}${place}${since}. ${plain(detail)}`;
}
