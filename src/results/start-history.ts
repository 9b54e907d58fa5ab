import type { ExecutionResult, StartRecord } from '../contract/result.js';
import type { RedisClient } from '../redis/connections.js';

/** Starts of a run that are remembered one by one. */
export const STARTS_KEPT = 20;

/** Workers that may die over one run of an execution before it is given up. */
export const MAX_LOST_WORKERS = 2;

/** How often the code of the current run was started, and the latest starts, as its ledger says. */
export interface Starts {
  starts: number;
  history: StartRecord[];
}

/** Reads the starts of an execution from its ledger; see execution-scripts.ts. */
export async function readStarts(redis: RedisClient, ledger: string): Promise<Starts> {
  const starts = Number((await redis.hget(ledger, 'starts')) ?? 0);
  const first = Math.max(1, starts - STARTS_KEPT + 1);
  const numbers = Array.from({ length: starts - first + 1 }, (_, index) => first + index);
  if (numbers.length === 0) return { starts, history: [] };
  const texts = await redis.hmget(ledger, ...numbers.flatMap((n) => [`start:${n}`, `end:${n}`]));
  const history = numbers.map((start, index): StartRecord => {
    const [worker = '', startedAt = ''] = (texts[2 * index] ?? '').split(' ');
    const [ended, endedAt] = (texts[2 * index + 1] ?? '').split(' ');
    return {
      start,
      worker_id: worker,
      started_at: startedAt,
      ended: (ended || 'overtaken') as StartRecord['ended'],
      ended_at: endedAt ?? null,
    };
  });
  return { starts, history };
}

/** The starts before the latest one. */
export const withoutLatest = ({ starts, history }: Starts): Starts => ({
  starts: starts - 1,
  history: history.slice(0, -1),
});

/** A result that shows these starts; the `own` one came to it. */
export function withStartHistory(
  document: ExecutionResult,
  { starts, history }: Starts,
  own: number,
): ExecutionResult {
  const shown = history.map((record) =>
    record.start === own ? { ...record, ended: 'result' as const, ended_at: document.finished_at } : record,
  );
  return { ...document, starts, ...(starts > 1 ? { start_history: shown } : {}) };
}
