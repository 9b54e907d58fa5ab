import { Refusal } from '../contract/jobs/refusal.js';
import { isSigned } from '../contract/jobs/signature.js';

/** What a job says of its own signature. */
export interface Seal {
  signature: string | null;
  /** Unix seconds. */
  validUntil: number | null;
}

/**
 * Refuses what none of the keys has signed, or what was signed for a time that is over. Without keys
 * everything passes.
 * @param text makes what must be signed; asked for only where there are keys
 * @throws {Refusal} INVALID_JOB naming the field.
 */
export function checkSignature(keys: readonly string[], seal: Seal, text: () => string, nowMs: number): void {
  if (keys.length === 0) return;
  if (seal.signature === null) {
    throw refusal(
      'The job is not signed, and this worker takes signed jobs only (JOB_SIGNING_KEY)',
      'signature',
    );
  }
  if (!isSigned(keys, text(), seal.signature)) {
    throw refusal(
      'The signature fits none of the keys of this worker: job or context were changed, or signed with another key',
      'signature',
    );
  }
  if (seal.validUntil !== null && seal.validUntil * 1000 < nowMs) {
    throw refusal(`The job was valid until ${new Date(seal.validUntil * 1000).toISOString()}`, 'valid_until');
  }
}

const refusal = (message: string, field: string): Refusal => new Refusal('INVALID_JOB', message, field);
