/** Counts what is under way and signals when nothing is. */
export class Activity {
  /** How often something began, and ended. */
  entered = 0;
  left = 0;
  private waiting: (() => void)[] = [];
  private readonly exit: Disposable = { [Symbol.dispose]: () => this.leave() };

  get count(): number {
    return this.entered - this.left;
  }

  /** Counts until the returned thing is disposed of: `using _ = activity.enter()`. */
  enter(): Disposable {
    this.entered += 1;
    return this.exit;
  }

  /** Resolves as soon as nothing is under way; at once when that is so now. */
  whenIdle(): Promise<void> {
    return this.count === 0 ? Promise.resolve() : new Promise((resolve) => this.waiting.push(resolve));
  }

  private leave(): void {
    this.left += 1;
    if (this.count === 0) for (const resolve of this.waiting.splice(0)) resolve();
  }
}
