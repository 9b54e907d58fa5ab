interface Waiter<T> {
  key: string;
  executionId: string;
  resolve(given: T): void;
  reject(error: Error): void;
}

/** Executions that wait for a place, in the order they came. */
export class WaitingList<T> {
  private readonly waiters: Waiter<T>[] = [];

  get length(): number {
    return this.waiters.length;
  }

  /** Resolves when there is a place, rejects when the list is refused. */
  enter(executionId: string, key: string): Promise<T> {
    return new Promise((resolve, reject) => this.waiters.push({ executionId, key, resolve, reject }));
  }

  /** Offers each waiter what `take` finds for it; a waiter for which it finds nothing goes on waiting. */
  serve(take: (executionId: string, key: string) => T | null): void {
    for (const waiter of this.waiters.splice(0)) {
      const taken = take(waiter.executionId, waiter.key);
      if (taken === null) this.waiters.push(waiter);
      else waiter.resolve(taken);
    }
  }

  refuse(error: Error): void {
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }
}
