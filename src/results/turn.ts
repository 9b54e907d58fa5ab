import type { CancelRequest } from '../contract/cancellation.js';
import type { AttemptRecord, ExecutionResult } from '../contract/result.js';
import type { DeliveryMark, Repeat } from './delivery-identity.js';

/** When an execution was last given back, to be taken again, and for how long it was to rest. */
export interface HandBackTime {
  /** Unix milliseconds. */
  atMs: number;
  /** For how long it was not to be taken then: the back-off of a failed attempt. */
  pauseMs: number;
}

/**
 * What a delivered job means for this worker:
 * - `ours`: no worker had the execution; it is ours now, for this attempt of this run. Where `cancel` is set, it is
 *   ours to end: its code must not be started. `because`: it had ended, and this is a further run.
 * - `ended`: it has its result already (null: it was deleted); at most that must be sent again.
 * - `unsent`: it is to run again, and its standing result must be on the result queue before that.
 * - `elsewhere`: a living worker carries it out; look again later.
 * - `exhausted`: its workers died so often that it is not tried again; it is ours to say so.
 */
export type Turn =
  | {
      kind: 'ours';
      run: number;
      attempt: number;
      /** How often its code was given to a runner, with this time: also where that does not count as an attempt. */
      starts: number;
      generation: number | null;
      cancel: CancelRequest | null;
      freed: HandBackTime | null;
      because?: FurtherRun['because'];
    }
  | { kind: 'ended'; repeat: 'redelivered' | 'standing'; result: ExecutionResult | null }
  | { kind: 'unsent' }
  | { kind: 'elsewhere' }
  | { kind: 'exhausted'; run: number; attempt: number; starts: number; cancel: CancelRequest | null };

export type FurtherRun = Extract<Repeat, { kind: 'further run' }>;

/** The delivery that asks for an execution. */
export interface DeliveryClaim {
  mark: DeliveryMark;
  /** Run it also where it has a result. */
  again: boolean;
}

/** A turn that makes this worker responsible for the end of the execution. */
export type OurTurn = Extract<Turn, { kind: 'ours' | 'exhausted' }>;
export type OwnTurn = Extract<Turn, { kind: 'ours' }>;

/** How an execution is given up without a result. */
export interface Freeing {
  /** null: not known, because the answer to the take was lost. */
  run: number | null;
  counted: boolean;
  failed?: { record: AttemptRecord; mark: DeliveryMark };
  pauseMs?: number;
}
