import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionResult } from '../../contract/result.js';
import type { ApiAccess } from '../http/api-access.js';
import { ApiClient } from '../http/api-client.js';
import { EXIT, type ExitCode } from '../output/exit.js';
import { asJson, type Output, plain } from '../output/output.js';

/** Below the 60 s after which many proxies give up. */
const WAIT_SECONDS = 55;
/** A server that answers at once instead of waiting is not asked more often. */
const MIN_ROUND_MS = 1_000;

export interface CancelOptions {
  reason?: string;
  /** false: only asks for the end. */
  wait?: boolean;
  json?: boolean;
}

/**
 * `bifrost cancel ID`: has an execution end, waits until it has and says how. Resolves with the exit
 * code: 0 when it is cancelled, 1 when it had ended before.
 * @throws {CommandError} when the API gives no answer.
 */
export async function cancel(
  id: string,
  { reason, wait = true, json = false }: CancelOptions,
  { access, output, interrupt }: { access: ApiAccess; output: Output; interrupt: AbortSignal },
): Promise<ExitCode> {
  const client = new ApiClient(access, interrupt);
  const { stdout } = output;
  for (;;) {
    const askedAt = performance.now();
    const answer = await client.cancel(id, reason, wait ? WAIT_SECONDS : 0);
    if ('refused' in answer) {
      output.stderr.write(`bifrost: ${answer.refused}\n`);
      return EXIT.failed;
    }
    if (answer.status === 'cancelled' || !wait) {
      stdout.write(json ? asJson(answer) : `${sentence(id, answer as ExecutionResult)}\n`);
      return EXIT.succeeded;
    }
    await sleep(Math.max(0, askedAt + MIN_ROUND_MS - performance.now()), undefined, { signal: interrupt });
  }
}

function sentence(id: string, { status, cancellation }: ExecutionResult): string {
  if (status !== 'cancelled') return `${plain(id)}: cancellation requested`;
  const how = cancellation ? ` (${cancellation.ended})` : '';
  return `${plain(id)} is cancelled${how}`;
}
