/**
 * A cache of bounded size in bytes that evicts the least recently used values.
 * The caller passes sizes; a value larger than the whole cache is not kept.
 */
export class ByteLru<Value> {
  // A Map iterates in the order of insertion: the first entry is the one used longest ago.
  private readonly entries = new Map<string, { value: Value; bytes: number }>();
  private held = 0;

  constructor(private readonly limitBytes: number) {}

  get bytes(): number {
    return this.held;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The value, which counts as used now, or undefined. */
  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    this.entries.delete(key);
    this.entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: Value, bytes: number): void {
    this.delete(key);
    if (bytes > this.limitBytes) return;
    this.entries.set(key, { value, bytes });
    this.held += bytes;
    for (const oldest of this.entries.keys()) {
      if (this.held <= this.limitBytes) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    this.entries.delete(key);
    this.held -= entry.bytes;
  }

  clear(): void {
    this.entries.clear();
    this.held = 0;
  }
}
