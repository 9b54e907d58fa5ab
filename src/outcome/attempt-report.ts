import type { Artifact } from '../contract/fields/artifacts.js';
import type { CancellationReceipt, CancelRequest } from '../contract/cancellation.js';
import type { FailureCode } from '../contract/failure.js';
import type { RunnerStart } from '../contract/confinement.js';
import type { ResultIsolation } from '../contract/isolation-report.js';
import type { Evidence, ExecutionStatus, Metrics } from '../contract/result.js';
import type { Subject } from '../contract/subject.js';
import type { Finding } from './judge.js';
import type { Redactor } from './redaction/redactor.js';
import type { RunSeen } from './run-evidence.js';

/**
 * Everything that was seen of one attempt to carry out an execution, from which result-document.ts makes its
 * result. What is left out was not seen. It may hold secrets of the execution; the document does not.
 */
export interface AttemptReport {
  startedAt: Date;
  finishedAt: Date;
  /** What it failed of, or would have failed of, had it not been cancelled; null: of nothing. */
  finding: Finding | null;
  /** What is known of the failure beside what the run shows. */
  evidence?: Evidence;
  /** Left out: no code ran. */
  run?: RunSeen;
  /** Files that its code left, which are stored. */
  artifacts?: readonly Artifact[];
  /** The request to end it, and what became of that. */
  cancel?: Cancelled;
  /** What the worker measured of its own part. */
  metrics?: Metrics;
  /** Workspace generation that the code ran against. */
  generation?: number | null;
  /** Package set that the code ran with. */
  packageSet?: string | null;
  /** On whose behalf it ran, once its context was read. */
  subject?: Subject;
  /** How the worker keeps code apart. */
  isolation?: ResultIsolation | undefined;
  /** The runner that its code was given to. */
  runnerId?: string | undefined;
  /** How that came about. */
  runnerStart?: RunnerStart;
  /** Its context was read and has no secrets that would have to be removed. */
  holdsNoSecrets?: boolean;
  /** Its context was read, and says that a caller waits for the result. */
  sync?: boolean;
  /** Knows the secrets of the execution. */
  redactor?: Redactor;
}

/** A request to cancel, and what became of it. */
export interface Cancelled {
  request: CancelRequest;
  ended: CancellationReceipt['ended'];
}

/** An attempt of which no code ran, that ended at the moment at which it was seen. */
export function unrunReport(finding: Finding | null, more: Partial<AttemptReport> = {}): AttemptReport {
  const now = new Date();
  return { startedAt: now, finishedAt: now, finding, ...more };
}

/** An execution that is cancelled while no code of it runs. */
export const cancelledReport = (
  request: CancelRequest,
  ended: 'before start' | 'not started again',
): AttemptReport => unrunReport(null, { cancel: { request, ended } });

/** The code of the failure that a report amounts to; null: it is a success. */
export const codeOf = ({ finding, cancel }: Pick<AttemptReport, 'finding' | 'cancel'>): FailureCode | null =>
  cancel && cancel.ended !== 'too late' ? 'CANCELLED' : (finding?.code ?? null);

/** The status of an execution that fails with this code; null: that succeeds. */
export function statusOf(code: FailureCode | null): ExecutionStatus {
  switch (code) {
    case null:
      return 'succeeded';
    case 'TIMED_OUT':
      return 'timed_out';
    case 'CANCELLED':
    case 'SKIPPED':
      return 'cancelled';
    default:
      return 'failed';
  }
}
