import type { FrameOf, RunnerFrame } from '../../boundary/runner-frames.js';
import type { LaunchKind } from './runner-launch.js';

/** What the worker has asked a runner for. */
export type Question = 'alive' | 'unheard';

/**
 * Which frames an execution may send next. A runner of ours keeps to it; one that does not is no longer ours.
 *
 * `loaded` comes once, and so does the last word: a result, an error or an exit. `settled` follows it, where
 * the runner is to be kept. A result may have both in it. To each question comes one answer. Only a host says how its executions do. A runner waits for the answer to a `module-request` before it says anything else.
 */
export class FrameOrder {
  private readonly seen = new Set<RunnerFrame['type']>();
  private readonly asked: Record<Question, number> = { alive: 0, unheard: 0 };
  private hasReported = false;
  private hasRequest = false;

  constructor(private readonly of: { kind: Pick<LaunchKind, 'hostFrames'>; keep: boolean }) {}

  /** The runner may answer this, once. */
  ask(question: Question): void {
    this.asked[question] += 1;
  }

  /** The open `module-request` is answered. */
  replied(): void {
    this.hasRequest = false;
  }

  /** What is wrong with this frame at this time; null: nothing. */
  fault(frame: RunnerFrame): string | null {
    const { type } = frame;
    const fault = this.faultOf(type);
    this.seen.add(type);
    return fault ?? (type === 'result' ? this.faultOfParts(frame) : null);
  }

  private faultOf(type: RunnerFrame['type']): string | null {
    switch (type) {
      case 'ready':
        return this.unexpected(type);
      case 'loaded':
        return this.seen.has(type) || this.hasReported ? this.unexpected(type) : null;
      case 'result':
      case 'error':
      case 'exiting':
        if (this.hasReported) return 'a second last word';
        this.hasReported = true;
        return null;
      case 'settled':
        return this.of.keep && this.hasReported && !this.seen.has(type) ? null : this.unexpected(type);
      case 'alive':
      case 'unheard':
        this.asked[type] -= 1;
        return this.asked[type] < 0 ? this.unexpected(type) : null;
      case 'used':
      case 'thread-ended':
        return this.of.kind.hostFrames.includes(type) ? null : this.unexpected(type);
      case 'module-request':
        if (this.hasRequest) return 'a second module request before the answer to the first';
        this.hasRequest = true;
        return null;
      case 'output':
      case 'progress':
      case 'uncaught':
        return null;
    }
  }

  /** A result may say as well what `loaded` and `settled` say: as these two it is out of its time, or is not. */
  private faultOfParts({ loadMs, settled }: FrameOf<'result'>): string | null {
    if (loadMs !== undefined && this.seen.has('loaded')) return this.unexpected('loaded');
    if (settled === undefined) return null;
    const fault = this.faultOf('settled');
    this.seen.add('settled');
    return fault;
  }

  private unexpected(type: RunnerFrame['type']): string {
    return `a frame "${type}" that is not expected`;
  }
}
