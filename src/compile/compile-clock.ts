import { CompileTimeoutError } from './compile-error.js';

/** Node takes no longer ones. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The time that one execution's sources take to compile, which counts into its time limit. It runs while at
 * least one of them is being compiled; when the limit is used up, or the execution is not wanted any more,
 * `signal` aborts with the reason and compiles for this execution alone are aborted.
 */
export class CompileClock {
  private controller: AbortController | null = null;
  private unwatch: (() => void) | null = null;
  private reason: Error | null = null;
  private active = 0;
  private startedAtMs = 0;
  private spentMs = 0;
  private timer: NodeJS.Timeout | undefined;

  /**
   * @param limitMs null: there is no limit
   * @param watch has the clock stop when the execution is not wanted any more, from when the signal is asked for;
   * returns what ends that
   */
  constructor(
    private readonly limitMs: number | null,
    private readonly watch: (clock: CompileClock) => () => void = () => () => undefined,
  ) {}

  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      if (this.reason === null) this.unwatch = this.watch(this);
      else this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  /** Milliseconds so far. */
  get usedMs(): number {
    return this.spentMs + (this.active > 0 ? performance.now() - this.startedAtMs : 0);
  }

  /** Counts until the returned function is called. */
  enter(): () => void {
    this.active += 1;
    if (this.active === 1) {
      this.startedAtMs = performance.now();
      if (this.limitMs !== null) this.timer = this.deadline(this.limitMs);
    }
    return () => {
      this.active -= 1;
      if (this.active > 0) return;
      clearTimeout(this.timer);
      this.spentMs += performance.now() - this.startedAtMs;
    };
  }

  /** Gives up everything that is being compiled for this execution. */
  stop(reason: Error): void {
    this.reason ??= reason;
    this.controller?.abort(reason);
  }

  /** The execution is over, and with it the clock. */
  end(): void {
    this.unwatch?.();
    this.stop(OVER);
  }

  private deadline(limitMs: number): NodeJS.Timeout {
    const message = `The time limit of ${limitMs / 1000} s was used up while the code was compiled`;
    const leftMs = Math.max(limitMs - this.spentMs, 0);
    return setTimeout(() => this.stop(new CompileTimeoutError(message)), Math.min(leftMs, LONGEST_TIMER_MS));
  }
}

const OVER = new Error('the execution is over');
