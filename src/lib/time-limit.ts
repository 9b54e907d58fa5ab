import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What comes of `work`; when that takes longer than `timeoutMs`, or once `signal` aborts, what `late` returns, or
 * throws, instead. Leaves no timer and no listener behind, and drops a rejection of the work that comes after the limit.
 */
export async function within<T, L>(
  work: Promise<T>,
  timeoutMs: number,
  late: () => L | Promise<L>,
  signal?: AbortSignal,
): Promise<T | L> {
  const limit = Promise.withResolvers<void>();
  // The work may still reject when nothing waits for it any more.
  work.catch(() => undefined);
  const timer = setTimeout(limit.resolve, timeoutMs);
  const onAbort = (): void => limit.resolve();
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted) onAbort();
  try {
    const first = await Promise.race([work.then((value) => ({ value })), limit.promise]);
    return first ? first.value : await late();
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Waits for `work`, but for `timeoutMs` at most and no longer than until `signal` aborts. A rejection of `work` passes
 * through while it is waited for.
 */
export async function waitAtMost(
  work: Promise<unknown>,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  await within(work, timeoutMs, () => undefined, signal);
}

/** Sleeps for `ms` milliseconds, or until `signal` aborts. Never rejects. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
