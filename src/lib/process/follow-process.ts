const POLL_MS = 1_000;

/** Calls `onGone` once, within about a second, when the process `pid` has ended. Keeps nothing alive. */
export function followProcess(pid: number, onGone: () => void): void {
  const timer = setInterval(() => {
    if (isThere(pid)) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
