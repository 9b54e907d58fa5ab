import { z } from 'zod';
import { idSchema } from './ids.js';

const when = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** Longest reason that is kept; more is cut off. */
export const REASON_LIMIT_CHARS = 500;

/** `bifrost:cancel`: what any program may publish to have an execution end. */
export const cancelMessageSchema = z.object({
  execution_id: idSchema,
  reason: z.string().nullish(),
  asked_at: when
    .nullish()
    .meta({ description: 'Set by a sender that has noted the request in Redis already, as our API does' }),
});

export type CancelMessage = z.infer<typeof cancelMessageSchema>;

/** How an execution that was asked to end came to its end. */
export const CANCEL_ENDS = [
  /** Its code was never started. */
  'before start',
  /** After `context.signal` had aborted, the code returned, threw or exited within its grace time. */
  'by itself',
  /** The code went on, or did not use the signal, and its runner was killed. */
  'killed',
  /** Its worker died while it ran, or an attempt failed, before the request arrived; it is not started again. */
  'not started again',
  /** It had ended already when the request reached the worker; status and result are the same as without a request. */
  'too late',
] as const;

/** `cancellation` of a result: the receipt of a request to cancel. */
export const cancellationSchema = z.object({
  asked_at: when,
  reason: z.string().nullable(),
  signalled_at: when.nullable().meta({ description: 'When context.signal aborted' }),
  ended: z.enum(CANCEL_ENDS),
  killed_at: when.nullable(),
});

/** A request to cancel, as it is noted in the ledger. */
export interface CancelRequest {
  /** ISO 8601 */
  askedAt: string;
  reason: string | null;
}

export type CancellationReceipt = z.infer<typeof cancellationSchema>;

/** The receipt of an execution whose code was not running when it was cancelled. */
export const receiptOf = (
  { askedAt, reason }: CancelRequest,
  ended: CancellationReceipt['ended'],
): CancellationReceipt => ({ asked_at: askedAt, reason, signalled_at: null, ended, killed_at: null });

/** What the public reads as the error of a cancelled execution. */
export const cancelMessage = ({ reason }: Pick<CancelRequest, 'reason'>): string =>
  reason ? `The execution was cancelled: ${reason}` : 'The execution was cancelled';
