import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/**
 * How many times longer than on an idle machine things take now, at least 1: how many processes want each
 * processor, in the last minute or in this moment. What is promised in milliseconds is promised for a
 * machine that keeps up; a bound times this one is the same promise on a crowded one.
 */
export function crowding(): number {
  return Math.max(1, Math.max(loadavg()[0] as number, runnable()) / availableParallelism());
}

/** Processes and threads that run or want to, where the system tells. */
function runnable(): number {
  try {
    return Number(/(\d+)\//.exec(readFileSync('/proc/loadavg', 'latin1'))?.[1]);
  } catch {
    return 0;
  }
}
