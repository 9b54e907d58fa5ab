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
   * Hands out the lines that the chunk completes, without their line feed.
   * @throws {LineTooLongError}
   */
  push(chunk: Buffer, receive: (line: string) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const begin = start;
      start = end + 1;
      // Most lines come as a whole.
      if (this.parts.length === 0) {
        this.check(end - begin);
        receive(chunk.toString('utf8', begin, end));
        continue;
      }
      this.keep(chunk.subarray(begin, end));
      const line = Buffer.concat(this.parts);
      this.parts = [];
      this.pendingBytes = 0;
      receive(line.toString('utf8'));
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
  }

  private keep(part: Buffer): void {
    this.pendingBytes += part.length;
    this.check(this.pendingBytes);
    this.parts.push(part);
  }

  private check(bytes: number): void {
    if (bytes > this.limitBytes) throw new LineTooLongError(`a line is longer than ${this.limitBytes} bytes`);
  }
}
