import { isDeepStrictEqual } from 'node:util';
import type { JobsOptions } from 'bullmq';
import type { FaultsAudit } from '../contract/clients/faults-report.js';
import type { ExecutionContext } from '../contract/context.js';
import type { ExecutionResult } from '../contract/result.js';
import type { StartCounter } from './start-counter.js';

/** The other end of both queues. */
export interface CampaignProducer {
  /** Writes the context of an execution and puts it on the queue; resolves with its id. */
  submitExecution(context: ExecutionContext, executionId?: string, options?: JobsOptions): Promise<string>;
  /** Every result of an execution that came by the result queue so far. */
  resultsOf(executionId: string): readonly object[];
  /** The result in Redis. */
  storedResult(executionId: string): Promise<ExecutionResult | undefined>;
}

/** When a worker was killed, in Unix milliseconds. */
export interface Death {
  workerId: string;
  atMs: number;
}

/** The code of a campaign succeeds or throws; and an execution whose worker was lost twice is not tried again. */
const OWN_ENDS: ReadonlySet<string> = new Set(['ok', 'USER_ERROR', 'STALLED_OUT']);

/** How an execution ends whose runner was killed: its code may have begun, and is not run again. */
const KILLED = 'RUNNER_CRASHED';

/**
 * Compares what the code itself counted with what its results show.
 * @param killed runners that the campaign has killed: at most this many executions end with that
 */
export async function audit(
  ids: readonly string[],
  {
    producer,
    counter,
    deaths,
    killed,
  }: { producer: CampaignProducer; counter: StartCounter; deaths: readonly Death[]; killed: number },
): Promise<FaultsAudit> {
  const found: FaultsAudit = {
    executions: ids.length,
    lost: [],
    doubled: [],
    disagreeing: [],
    undeclared: [],
    failed: [],
    repeated: 0,
    failover: { count: 0, medianMs: null, worstMs: null },
    ends: {},
  };
  const failovers: number[] = [];
  for (const id of ids) {
    const [result, ...others] = producer.resultsOf(id) as ExecutionResult[];
    if (!result) {
      found.lost.push(id);
      continue;
    }
    if (others.length > 0) found.doubled.push(id);
    if (!isDeepStrictEqual(await producer.storedResult(id), result)) found.disagreeing.push(id);
    if (counter.of(id) > (result.starts ?? 0)) found.undeclared.push(id);
    if ((result.starts ?? 0) > 1) found.repeated += 1;
    const end = result.failure?.code ?? 'ok';
    const isKilled = end === KILLED && (found.ends[end] ?? 0) < killed;
    if (!OWN_ENDS.has(end) && !isKilled) found.failed.push(`${id}: ${end}: ${result.error}`);
    found.ends[end] = (found.ends[end] ?? 0) + 1;
    failovers.push(...failoversOf(result, deaths));
  }
  const sorted = failovers.toSorted((a, b) => a - b);
  found.failover = {
    count: sorted.length,
    medianMs: sorted[Math.floor(sorted.length / 2)] ?? null,
    worstMs: sorted.at(-1) ?? null,
  };
  return found;
}

function failoversOf({ start_history: starts = [] }: ExecutionResult, deaths: readonly Death[]): number[] {
  return starts.flatMap((lost, index) => {
    const next = starts[index + 1];
    if (lost.ended !== 'lost' || !next) return [];
    const nextMs = Date.parse(next.started_at);
    const death = deaths.findLast(
      ({ workerId, atMs }) =>
        workerId === lost.worker_id && atMs >= Date.parse(lost.started_at) && atMs <= nextMs,
    );
    return death ? [nextMs - death.atMs] : [];
  });
}
