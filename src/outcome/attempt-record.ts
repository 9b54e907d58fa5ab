import type { AttemptRecord, ExecutionResult, LogEntry } from '../contract/result.js';

/** Keep this many of the latest attempts. */
export const ATTEMPTS_KEPT = 20;
const LOG_ENTRIES = 100;
const LOG_CHARS = 16_384;
const STACK_CHARS = 8_192;

/** What is kept of the attempt that a result document is of: how it ended and the end of its logs. */
export function attemptRecord(document: ExecutionResult): AttemptRecord {
  const { failure } = document;
  const logs = tailOf(document.logs);
  return {
    attempt: document.attempt,
    status: document.status,
    worker_id: document.worker_id,
    started_at: document.started_at,
    finished_at: document.finished_at,
    duration_ms: document.duration_ms,
    error: document.error,
    error_type: document.error_type,
    failure: failure && {
      code: failure.code,
      message: failure.message,
      stack: failure.stack?.slice(0, STACK_CHARS) ?? null,
    },
    logs,
    logs_truncated: document.logs_truncated || logs.length < document.logs.length,
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
