import { readFileSync } from 'node:fs';
import { until } from '../until.js';

/** Whether a process is there and is not merely waiting to be reaped. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

/**
 * Waits until a process is gone. The end of a runner is known when what holds it has ended; the killed
 * process itself runs nothing any more by then, but the kernel may still be taking it down.
 */
export async function untilGone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), { what: `process ${pid} is gone` });
}
