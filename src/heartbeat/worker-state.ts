import { Injectable } from '@nestjs/common';
import type { WorkerState } from '../contract/worker-record.js';

/** Which states may follow which; contract/worker-record.ts explains them. */
const NEXT: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  STARTING: ['ACTIVE', 'STOPPED'],
  ACTIVE: ['PAUSED', 'DRAINING'],
  PAUSED: ['ACTIVE', 'DRAINING'],
  DRAINING: ['STOPPED'],
  STOPPED: [],
};

/** The state of this worker. One object holds it; parts that react to it subscribe. */
@Injectable()
export class WorkerStateHolder {
  private state: WorkerState = 'STARTING';
  /** Why it could not start so far; it is tried again. null: nothing keeps it from starting. */
  startProblem: string | null = null;
  private readonly listeners = new Set<(state: WorkerState) => void>();

  get current(): WorkerState {
    return this.state;
  }

  /** Whether a job that arrives now may be started. */
  get takesWork(): boolean {
    return this.state === 'ACTIVE';
  }

  /**
   * @throws {Error} when that state cannot follow; the same state again changes nothing.
   */
  enter(next: WorkerState): void {
    if (next === this.state) return;
    if (!NEXT[this.state].includes(next)) throw new Error(`a worker cannot go from ${this.state} to ${next}`);
    this.state = next;
    for (const listener of this.listeners) listener(next);
  }

  onChange(listener: (state: WorkerState) => void): void {
    this.listeners.add(listener);
  }
}
