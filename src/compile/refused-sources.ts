import type { CompileLimitError } from './compile-error.js';

const KEPT_MS = 5 * 60_000;
const MOST = 1_000;

/** Sources that took more than they may, so that each costs a compiler process once in some minutes. */
export class RefusedSources {
  private readonly entries = new Map<string, { error: CompileLimitError; untilMs: number }>();

  add(key: string, error: CompileLimitError): void {
    this.entries.delete(key);
    this.entries.set(key, { error, untilMs: performance.now() + KEPT_MS });
    if (this.entries.size > MOST) this.entries.delete(this.entries.keys().next().value as string);
  }

  /** @throws {CompileLimitError} when the source was refused in the last minutes */
  check(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    if (entry.untilMs > performance.now()) throw entry.error;
    this.entries.delete(key);
  }
}
