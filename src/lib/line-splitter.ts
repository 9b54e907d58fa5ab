/** A line was longer than allowed. */
export class LineTooLongError extends Error {
  override name = 'LineTooLongError';
}

/** Splits a byte stream into lines without keeping more than `limitBytes` of an unfinished one. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private pendingBytes = 0;

  constructor(private readonly limitBytes: number) {}

  /**
   * Lines that the chunk completes, without their line feed.
   * @throws {LineTooLongError}
   */
  *push(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      this.keep(chunk.subarray(start, end));
      const line = this.parts.length === 1 ? (this.parts[0] as Buffer) : Buffer.concat(this.parts);
      this.parts = [];
      this.pendingBytes = 0;
      start = end + 1;
      yield line.toString('utf8');
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
  }

  private keep(part: Buffer): void {
    this.pendingBytes += part.length;
    if (this.pendingBytes > this.limitBytes) {
      throw new LineTooLongError(`a line is longer than ${this.limitBytes} bytes`);
    }
    this.parts.push(part);
  }
}
