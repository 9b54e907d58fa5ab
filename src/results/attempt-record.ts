import type { AttemptRecord, LogEntry, Outcome } from '../contract/result.js';

/** So many attempts are kept, the latest. */
export const ATTEMPTS_KEPT = 20;
const LOG_ENTRIES = 100;
const LOG_CHARS = 16_384;
const STACK_CHARS = 8_192;

/** What is kept of one attempt: how it ended and the end of its logs. */
export function attemptRecord(attempt: number, workerId: string, outcome: Outcome): AttemptRecord {
  const { failure } = outcome;
  const logs = tailOf(outcome.logs);
  return {
    attempt,
    status: outcome.status,
    worker_id: workerId,
    started_at: outcome.started_at,
    finished_at: outcome.finished_at,
    duration_ms: outcome.duration_ms,
    error: outcome.error,
    error_type: outcome.error_type,
    failure: failure && {
      code: failure.code,
      message: failure.message,
      stack: failure.stack?.slice(0, STACK_CHARS) ?? null,
    },
    logs,
    logs_truncated: outcome.logs_truncated || logs.length < outcome.logs.length,
  };
}

/** One entry for each attempt: what was written down when it ended wins over what was said later. */
export function attemptHistory(earlier: readonly AttemptRecord[], last: AttemptRecord): AttemptRecord[] {
  const byNumber = new Map<number, AttemptRecord>();
  for (const record of [...earlier, last])
    if (!byNumber.has(record.attempt)) byNumber.set(record.attempt, record);
  return [...byNumber.values()].toSorted((a, b) => a.attempt - b.attempt).slice(-ATTEMPTS_KEPT);
}

function tailOf(logs: readonly LogEntry[]): LogEntry[] {
  const tail: LogEntry[] = [];
  let chars = 0;
  for (const entry of logs.slice(-LOG_ENTRIES).toReversed()) {
    chars += entry.message.length;
    if (chars > LOG_CHARS) break;
    tail.unshift(entry);
  }
  return tail;
}
