/** Counts what is under way and signals when nothing is. */
export class Activity {
  private active = 0;
  private waiting: (() => void)[] = [];

  get count(): number {
    return this.active;
  }

  /** Counts until the returned thing is disposed of: `using _ = activity.enter()`. */
  enter(): Disposable {
    this.active += 1;
    return { [Symbol.dispose]: () => this.leave() };
  }

  /** Resolves as soon as nothing is under way; at once when that is so now. */
  whenIdle(): Promise<void> {
    return this.active === 0 ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  private leave(): void {
    this.active -= 1;
    if (this.active === 0) for (const resolve of this.waiting.splice(0)) resolve();
  }
}
