/** How long, and by what, the results of this process are held back that Redis refuses although it answers. */
export interface Holdup {
  results: number;
  /** Of the one that has waited longest. */
  forMs: number;
  /** What Redis said of it last. */
  reason: string;
}

interface HeldResult {
  /** Monotonic. */
  sinceMs: number;
  reason: string;
}

/** Results that could not be delivered at the last try; each is tried again until it is. */
export class HeldResults {
  /** In the order in which they were first refused. */
  private readonly held = new Map<string, HeldResult>();

  refused(executionId: string, reason: string): void {
    const { sinceMs = performance.now() } = this.held.get(executionId) ?? {};
    this.held.set(executionId, { sinceMs, reason });
  }

  delivered(executionId: string): void {
    this.held.delete(executionId);
  }

  /** null: none has been refused for as long as that. */
  heldFor(leastMs: number): Holdup | null {
    const nowMs = performance.now();
    const old = [...this.held.values()].filter(({ sinceMs }) => nowMs - sinceMs >= leastMs);
    const [oldest] = old;
    return oldest === undefined
      ? null
      : { results: old.length, forMs: Math.round(nowMs - oldest.sinceMs), reason: oldest.reason };
  }
}
