import type { ChildProcess } from 'node:child_process';

const running = new Set<ChildProcess>();

/** Has a program that this process started end with it, also when a signal or an error ends this process. */
export function endWithThisProcess(child: ChildProcess): void {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  process.once(signal, () => {
    // Whoever has a listener of its own, such as one that prints what was measured so far, ends by itself.
    if (process.listenerCount(signal) === 0) process.exit(code);
  });
