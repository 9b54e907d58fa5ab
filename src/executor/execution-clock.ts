import { CompileClock } from '../compile/compile-clock.js';
import { InterruptedError, type Stops } from './cancellation.js';

/**
 * Does `work` with a clock of what the execution's sources take to compile, which stops when the end of
 * the execution is requested, and when the work is done. Most executions compile nothing, and listen to nothing.
 * @param timeoutMs time limit of the execution
 */
export async function withCompileClock<T>(
  timeoutMs: number,
  { interrupt, cancellation }: Stops,
  work: (clock: CompileClock) => Promise<T>,
): Promise<T> {
  const clock = new CompileClock(timeoutMs, (started) => {
    const interrupted = (): void => started.stop(new InterruptedError('the execution was interrupted'));
    const unlisten = cancellation.onAsked(() => started.stop(cancellation.error as Error));
    if (interrupt.aborted) interrupted();
    interrupt.addEventListener('abort', interrupted, { once: true });
    return () => {
      unlisten();
      interrupt.removeEventListener('abort', interrupted);
    };
  });
  try {
    return await work(clock);
  } finally {
    clock.end();
  }
}
