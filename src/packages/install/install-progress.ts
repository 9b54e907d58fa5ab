/** What a package takes of npm, about: its own document and archive, and those of what it depends on. */
const FETCHES_PER_PACKAGE = 10;

/** How far an install is, as a part of 1, and never less than before. */
export class InstallProgress {
  private value = 0;

  constructor(private readonly report: (fraction: number) => void) {}

  advance(to: number): void {
    if (to <= this.value) return;
    this.value = to;
    this.report(to);
  }

  /**
   * For one run of npm, which does not say how much it will fetch: each call is something fetched, and brings
   * the progress nearer to `end`, which it does not reach.
   */
  ofFetches(packages: number, end: number): () => void {
    const from = this.value;
    let fetched = 0;
    return () => {
      fetched += 1;
      this.advance(from + (end - from) * (fetched / (fetched + packages * FETCHES_PER_PACKAGE)));
    };
  }
}
