import { isAlive } from '../../../src/lib/process/is-alive.js';
import { until } from '../until.js';

/**
 * Waits until a process is gone. The end of a runner is known when what holds it has ended; the killed
 * process itself runs nothing any more by then, but the kernel may still be taking it down.
 */
export async function untilGone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), { what: `process ${pid} is gone` });
}
