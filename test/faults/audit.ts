import { isDeepStrictEqual } from 'node:util';
import type { ExecutionResult } from '../../src/contract/result.js';
import type { Producer } from '../support/producer.js';
import type { StartCounter } from '../support/start-counter.js';

/** What a campaign found; every list of ids is to be empty. */
export interface Audit {
  executions: number;
  /** Without a result on the result queue. */
  lost: string[];
  /** With more than one. */
  doubled: string[];
  /** Whose result on the queue is not the one in Redis. */
  disagreeing: string[];
  /** Whose code was started more often than the result shows. */
  undeclared: string[];
  /** Executions whose code was started more than once, which their results show. */
  repeated: number;
  /** From the death of a worker to the next start of what it ran, in milliseconds. */
  failover: { count: number; medianMs: number | null; worstMs: number | null };
  ends: Record<string, number>;
}

/** When a worker was killed, in Unix milliseconds. */
export interface Death {
  workerId: string;
  atMs: number;
}

/** Compares what the code itself counted with what its results show. */
export async function audit(
  ids: readonly string[],
  { producer, counter, deaths }: { producer: Producer; counter: StartCounter; deaths: readonly Death[] },
): Promise<Audit> {
  const found: Audit = {
    executions: ids.length,
    lost: [],
    doubled: [],
    disagreeing: [],
    undeclared: [],
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
