import { CompileClock } from '../compile/compile-clock.js';
import { InterruptedError, type Stops } from './cancellation.js';

/**
 * Does `work` with a clock of what the execution's sources take to compile, which stops when the end of
 * the execution is requested, and when the work is done. Most executions compile nothing, and listen to nothing.
 * @param timeoutMs time limit of the execution
 */
export async function withCompileClock<T>(
  timeoutMs: number,
  { interruption, cancellation }: Stops,
  work: (clock: CompileClock) => Promise<T>,
): Promise<T> {
  const clock = new CompileClock(timeoutMs, (started) => {
    const interrupted = (): void => started.stop(new InterruptedError('the execution was interrupted'));
    const unlisten = [
      cancellation.onAsked(() => started.stop(cancellation.error as Error)),
      interruption.onAsked(interrupted),
    ];
    return () => {
      for (const each of unlisten) each();
    };
  });
  try {
    return await work(clock);
  } finally {
    clock.end();
  }
}
