import type { LogEntry } from '../../contract/result.js';

/** Bytes that an entry costs beside its message, as JSON. */
const ENTRY_OVERHEAD_BYTES = 96;

/** The newest log entries of one execution, bounded by bytes. */
export class LogBuffer {
  private kept: { entry: LogEntry; bytes: number }[] = [];
  private first = 0;
  private bytes = 0;
  truncated = false;

  constructor(private readonly limitBytes: number) {}

  add(entry: LogEntry): void {
    const bytes = sizeOf(entry);
    this.kept.push({ entry, bytes });
    this.bytes += bytes;
    while (this.bytes > this.limitBytes) {
      this.bytes -= (this.kept[this.first] as { bytes: number }).bytes;
      this.first += 1;
      this.truncated = true;
    }
    if (this.first > 1024 && this.first > this.kept.length / 2) {
      this.kept = this.kept.slice(this.first);
      this.first = 0;
    }
  }

  list(): LogEntry[] {
    return this.kept.slice(this.first).map(({ entry }) => entry);
  }
}

const sizeOf = ({ message, fields }: LogEntry): number =>
  Buffer.byteLength(message) +
  ENTRY_OVERHEAD_BYTES +
  (fields === undefined ? 0 : Buffer.byteLength(JSON.stringify(fields)));
