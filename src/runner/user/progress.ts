/** Where an execution is; it is reported exactly once. */
export interface Progress {
  phase: 'loading' | 'calling' | 'draining' | 'reported';
  /** Value of a script that has been evaluated and whose event loop is still busy. */
  value: unknown;
}

/** Nothing about it is reported any more. */
export const settled = ({ phase }: Progress): boolean => phase === 'reported';

/** For a promise of the code's: of its modules or of its function. */
export const isWaiting = ({ phase }: Progress): boolean => phase === 'loading' || phase === 'calling';
