/** The nonces of executions that are over on one runner: what still comes of them is late, not forged. */
export class PastNonces {
  private newest = new Set<string>();
  private older: ReadonlySet<string> = new Set();

  /** @param kept at least as many of the newest are known, and at most twice as many */
  constructor(private readonly kept: number) {}

  add(nonce: string): void {
    this.newest.add(nonce);
    if (this.newest.size < this.kept) return;
    // All at once: to drop the oldest each time costs more than what is looked up in the whole life of most runners.
    this.older = this.newest;
    this.newest = new Set();
  }

  has(nonce: string): boolean {
    return this.newest.has(nonce) || this.older.has(nonce);
  }
}
