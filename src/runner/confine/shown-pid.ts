let ownPid = process.pid;

/** A forked process still shows the number of its template. Before user code is loaded. */
export function becomeProcess(pid: number): void {
  ownPid = pid;
  Object.defineProperty(process, 'pid', { value: pid, enumerable: true, configurable: true });
}

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
