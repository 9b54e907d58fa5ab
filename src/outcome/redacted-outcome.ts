import type { Outcome } from '../contract/result.js';
import type { Redactor } from './redaction/redactor.js';

/** Ours, or redacted while they came. A new field of the outcome is looked through until it is named here. */
const HARMLESS: ReadonlySet<string> = new Set<keyof Outcome>([
  'success',
  'status',
  'duration_ms',
  'started_at',
  'finished_at',
  'exit_code',
  'metrics',
  'workspace_generation',
  'package_set',
  'logs',
  'logs_truncated',
  'stdout',
  'stderr',
  'progress',
]);

/** The outcome without secrets, whatever the code put them into: its value, its errors, its variables. */
export function redactedOutcome(outcome: Outcome, redactor: Redactor): Outcome {
  if (redactor.isEmpty) return outcome;
  const fields = Object.entries(outcome).map(([name, value]) => [
    name,
    HARMLESS.has(name) ? value : redactor.value<unknown>(value),
  ]);
  const redacted = Object.fromEntries(fields) as Outcome;
  const { failure } = outcome;
  if (failure === null || redacted.failure === null) return redacted;
  // The code is a name of ours that programs rely on.
  return { ...redacted, failure: { ...redacted.failure, code: failure.code } };
}
