import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 10;
/** Of the time that it waits already: what takes long is asked for less often, or the asking is what takes the CPU. */
const POLL_SHARE = 0.05;
const LONGEST_POLL_MS = 50;
/** Where the thing itself says when it has happened: only the witnesses and the limit are looked at meanwhile. */
const WOKEN_POLL_MS = 500;

/** Something that a test depends on without asking for it, such as a worker that it started. */
export interface Witness {
  /** Throws what makes waiting useless, such as that it has ended. */
  assertWell(): void;
  /** What it last said, for the error of a wait that came to nothing. */
  lastWords(): string;
}

const witnesses = new Set<Witness>();

/** Has every {@link until} of this test file look at the witness. */
export function observe(witness: Witness): void {
  witnesses.add(witness);
}

/**
 * Waits until `condition` gives something truthy and returns it; asks every 10 ms, after a second every 50 ms, so that a
 * test waits for the thing itself and never for a guess at how long it takes. The limit is none of speed: it ends what
 * will never happen, before jest's own limit would, which does not say what.
 * @param options `wake` resolves when `condition` is fulfilled; it is asked twice a second until then
 * @throws {Error} that says what did not happen and what the witnesses last said, with the last error of
 * `condition` as its cause; at once when a witness says that waiting is useless.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 150_000, what, wake }: { timeoutMs?: number; what: string; wake?: Promise<void> },
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | ''>> {
  const beganAt = performance.now();
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      cause = undefined;
      if (value) return value as Exclude<Awaited<T>, false | null | undefined | 0 | ''>;
    } catch (error) {
      cause = error;
    }
    for (const witness of witnesses) witness.assertWell();
    const waitedMs = performance.now() - beganAt;
    if (waitedMs > timeoutMs) {
      const said = [...witnesses].map((witness) => witness.lastWords()).join('\n');
      throw new Error(`did not happen within ${timeoutMs} ms: ${what}${said && `\n${said}`}`, { cause });
    }
    if (wake) await Promise.race([wake, sleep(WOKEN_POLL_MS)]);
    else await sleep(Math.min(Math.max(POLL_MS, waitedMs * POLL_SHARE), LONGEST_POLL_MS));
  }
}
