import {
  type CancellationReceipt,
  type CancelRequest,
  cancelMessage,
  receiptOf,
} from '../contract/cancellation.js';
import type { Outcome } from '../contract/result.js';
import { refusedOutcome } from './outcome.js';
import type { RunEnd } from './run-end.js';

/** The outcome of an execution that was told to end while its code ran; what the code still returned is kept. */
export function cancelledOutcome(outcome: Outcome, end: RunEnd, request: CancelRequest): Outcome {
  const { cancel, report } = end;
  const message = cancelMessage(request);
  return {
    ...outcome,
    result: report?.type === 'result' ? (report.value ?? null) : null,
    error: message,
    failure: outcome.failure && { ...outcome.failure, message },
    cancellation: {
      asked_at: request.askedAt,
      reason: request.reason,
      signalled_at: cancel?.signalledAt.toISOString() ?? null,
      ended: cancel?.killedAt ? 'killed' : 'by itself',
      killed_at: cancel?.killedAt?.toISOString() ?? null,
    },
  };
}

/** The outcome of an execution that is cancelled while no code of it runs. */
export function unstartedOutcome(request: CancelRequest, ended: CancellationReceipt['ended']): Outcome {
  const now = new Date();
  const finding = { code: 'CANCELLED', message: cancelMessage(request) } as const;
  return {
    ...refusedOutcome(finding, { startedAt: now, finishedAt: now }),
    cancellation: receiptOf(request, ended),
  };
}

/** A failed attempt that would be tried again had nobody asked for the end: what it left is kept. */
export function notTriedAgain(outcome: Outcome, request: CancelRequest): Outcome {
  const { failure, status, success, error, error_type, cancellation } = unstartedOutcome(
    request,
    'not started again',
  );
  return { ...outcome, failure, status, success, error, error_type, cancellation };
}
