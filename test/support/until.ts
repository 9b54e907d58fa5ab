import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Waits until `condition` gives something truthy and returns it; asks every 10 ms, so that a test waits
 * for the thing itself and never for a guess at how long it takes. The limit is none of speed: it ends what
 * will never happen, before jest's own limit would, which does not say what.
 * @throws {Error} that says what did not happen, with the last error of `condition` as its cause.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 150_000, what }: { timeoutMs?: number; what: string },
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | ''>> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      cause = undefined;
      if (value) return value as Exclude<Awaited<T>, false | null | undefined | 0 | ''>;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`did not happen within ${timeoutMs} ms: ${what}`, { cause });
    }
    await sleep(POLL_MS);
  }
}
