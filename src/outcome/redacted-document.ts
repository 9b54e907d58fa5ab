import type { ExecutionResult } from '../contract/result.js';
import type { Redactor } from './redaction/redactor.js';

/** Ours, of the producer, or redacted while they came. A new field is looked through until it is named here. */
const HARMLESS: ReadonlySet<string> = new Set<keyof ExecutionResult>([
  'execution_id',
  'worker_id',
  'attempt',
  'run',
  'schedule',
  'workflow_id',
  'caller',
  'organization',
  'tags',
  'again_of',
  'success',
  'status',
  'duration_ms',
  'queued_ms',
  'started_at',
  'finished_at',
  'exit_code',
  // Names that hold a secret are refused; the rest is ours.
  'artifacts',
  'metrics',
  'isolation',
  'workspace_generation',
  'package_set',
  'logs',
  'logs_truncated',
  'stdout',
  'stderr',
  'progress',
]);

/**
 * The document without secrets, whatever the code put them into: its value, its errors, its variables.
 * @param redactor null: nothing of it came from code or context
 */
export function redactedDocument(document: ExecutionResult, redactor: Redactor | null): ExecutionResult {
  if (redactor === null || redactor.isEmpty) return document;
  const fields = Object.entries(document).map(([name, value]) => [
    name,
    HARMLESS.has(name) ? value : redactor.value<unknown>(value),
  ]);
  const redacted = Object.fromEntries(fields) as ExecutionResult;
  const { failure, cancellation } = document;
  // The code of a failure and the end of a cancellation are names of ours that programs rely on.
  if (failure && redacted.failure) redacted.failure = { ...redacted.failure, code: failure.code };
  if (cancellation && redacted.cancellation)
    redacted.cancellation = { ...cancellation, reason: redacted.cancellation.reason };
  return redacted;
}
