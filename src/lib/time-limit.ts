import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits for `work`, but for `timeoutMs` at most and no longer than until `signal` aborts; leaves no
 * timer behind. A rejection of `work` passes through while it is waited for.
 */
export async function waitAtMost(
  work: Promise<unknown>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const done = new AbortController();
  const ended = signal ? AbortSignal.any([done.signal, signal]) : done.signal;
  try {
    await Promise.race([work, sleep(timeoutMs, undefined, { signal: ended }).catch(() => undefined)]);
  } finally {
    done.abort();
  }
}
