import type { ProcessState } from '../../contract/worker-record.js';

/**
 * What changes the state of a runner:
 *
 * drain    code on it could not be ended: it takes no work, and what is healthy on it finishes
 * retire   it is to be replaced: as above
 * end      it is killed, or has ended by itself
 */
export type RunnerEvent = 'drain' | 'retire' | 'end';

const NEXT: Readonly<Record<ProcessState, Readonly<Record<RunnerEvent, ProcessState>>>> = {
  ACTIVE: { drain: 'DRAINING', retire: 'PENDING_KILL', end: 'EXITING' },
  DRAINING: { drain: 'DRAINING', retire: 'PENDING_KILL', end: 'EXITING' },
  PENDING_KILL: { drain: 'PENDING_KILL', retire: 'PENDING_KILL', end: 'EXITING' },
  EXITING: { drain: 'EXITING', retire: 'EXITING', end: 'EXITING' },
};

/** The state of one runner. It changes here and nowhere else, and never back. */
export class RunnerStanding {
  private current: ProcessState = 'ACTIVE';

  get state(): ProcessState {
    return this.current;
  }

  enter(event: RunnerEvent): void {
    this.current = NEXT[this.current][event];
  }
}
