const ownPid = process.pid;

/**
 * Makes `process.pid` the number by which the machine knows this process, as the worker's records and logs do.
 * In a process namespace every runner would otherwise have the same one, and whatever makes names of it
 * would make the same names everywhere. Signals to the shown number reach this process.
 */
export function showPid(pid: number): void {
  if (process.pid === pid) return;
  Object.defineProperty(process, 'pid', { value: pid, enumerable: true, configurable: true });
  const kill = process.kill.bind(process);
  process.kill = (target, signal) => kill(target === pid ? ownPid : target, signal);
}
