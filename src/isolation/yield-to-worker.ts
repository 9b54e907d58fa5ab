import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/** Below the worker, so that it stays able to watch and to kill. */
const NICE_BELOW = 5;
const LOWEST_NICE = 19;
/** Above the worker's: when the machine runs out of memory the kernel kills runners first. */
const OOM_ABOVE = 500;
const HIGHEST_OOM = 1000;

/** What the kernel weighs processes by; higher goes last on the processors and first when memory ends. */
export interface KernelPriority {
  nice: number;
  oomScore: number;
}

/** Of a runner, by that of its worker: containers and service managers start workers at any. */
export const priorityBelow = ({ nice, oomScore }: KernelPriority): KernelPriority => ({
  nice: Math.min(nice + NICE_BELOW, LOWEST_NICE),
  oomScore: Math.min(oomScore + OOM_ABOVE, HIGHEST_OOM),
});

/**
 * Gives a process less than the worker has. At its start, so that what it starts has the same; and once
 * more when it has started that, which may have been faster.
 */
export function yieldToWorker(pid: number): void {
  try {
    const { nice, oomScore } = priorityBelow({ nice: getPriority(), oomScore: ownOomScore() });
    // The kernel's number is a thread's, and that of its process only for those which it starts later.
    for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), nice);
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(oomScore));
  } catch {
    // A courtesy to the machine; the runner's limits do not rest on it.
  }
}

let own: number | null = null;

function ownOomScore(): number {
  own ??= Number(readFileSync('/proc/self/oom_score_adj', 'latin1'));
  return own;
}
