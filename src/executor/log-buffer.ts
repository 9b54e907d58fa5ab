import type { LogEntry } from '../contract/result.js';

/** Bytes that an entry costs beside its message. */
const ENTRY_OVERHEAD_BYTES = 40;

/** The newest log entries of one execution, bounded by bytes. */
export class LogBuffer {
  private entries: LogEntry[] = [];
  private first = 0;
  private bytes = 0;
  truncated = false;

  constructor(private readonly limitBytes: number) {}

  /** Adds what was printed at once, without its line feed; `ts` in milliseconds since the epoch. */
  add(ts: number, level: string, text: string): void {
    const message = text.endsWith('\n') ? text.slice(0, -1) : text;
    this.entries.push({ ts: new Date(ts).toISOString(), level, message });
    this.bytes += sizeOf(message);
    while (this.bytes > this.limitBytes) {
      this.bytes -= sizeOf((this.entries[this.first] as LogEntry).message);
      this.first += 1;
      this.truncated = true;
    }
    if (this.first > 1024 && this.first > this.entries.length / 2) {
      this.entries = this.entries.slice(this.first);
      this.first = 0;
    }
  }

  list(): LogEntry[] {
    return this.entries.slice(this.first);
  }
}

const sizeOf = (message: string): number => Buffer.byteLength(message) + ENTRY_OVERHEAD_BYTES;
