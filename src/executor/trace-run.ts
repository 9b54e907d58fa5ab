import type { ExecutionSource } from '../contract/execution.js';
import type { Span } from '../telemetry/tracing.js';
import type { RunEnd } from '../outcome/run-end.js';
import type { RunnerLease } from './pool/runner-lease.js';

/** What a span says of the runner. */
export const runnerOf = ({ slot: { runner } }: RunnerLease) => ({
  'bifrost.runner.id': runner.id,
  'bifrost.runner.kind': runner.kind.name,
  'bifrost.runner.pid': runner.pid,
});

/** What the runner has reported of its steps: a script runs while it loads, a function afterwards. */
export function traceSteps(
  span: Span,
  sentMs: number,
  { loadMs, durationMs }: RunEnd,
  source: ExecutionSource,
): void {
  const endMs = sentMs + durationMs;
  const { functionName } = source;
  if (functionName === null) return span.child('script', sentMs, endMs);
  const loadedMs = loadMs === null ? endMs : sentMs + Math.min(loadMs, durationMs);
  span.child('load modules', sentMs, loadedMs);
  if (loadMs !== null) span.child(`call ${functionName}`, loadedMs, endMs);
}
