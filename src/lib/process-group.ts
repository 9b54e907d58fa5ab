import type { ChildProcess } from 'node:child_process';

const ended = new WeakSet<ChildProcess>();

/**
 * Kills a child that was started with `detached` and everything in its process group; safe at any time and
 * more than once. Call it when the child exits, too: what it left in its group is killed then, and never
 * after that, because the number may be that of another group.
 */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || ended.has(child)) return;
  if (child.exitCode !== null || child.signalCode !== null) ended.add(child);
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing is left of the group, or it is not made yet.
    child.kill('SIGKILL');
  }
}
