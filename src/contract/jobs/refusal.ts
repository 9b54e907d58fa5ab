import type { FailureCode } from '../failure.js';
import type { Subject } from '../subject.js';

/**
 * An execution cannot be carried out as it was asked for: its own fault, never retried.
 * `field` names the part of the job or context to mend.
 */
export class Refusal extends Error {
  override name = 'Refusal';
  /** On whose behalf it was asked for, where that could be read. */
  subject: Subject | null = null;

  constructor(
    readonly code: FailureCode,
    message: string,
    readonly field?: string,
  ) {
    super(message);
  }
}
