/** Keeps the newest part of a text, at most `limitBytes` of UTF-8, and says how much it dropped. */
export class TailBuffer {
  private chunks: string[] = [];
  private first = 0;
  private keptBytes = 0;
  private totalBytes = 0;

  constructor(private readonly limitBytes: number) {}

  /** Bytes given so far, kept or not. */
  get bytes(): number {
    return this.totalBytes;
  }

  get truncated(): boolean {
    return this.totalBytes > this.keptBytes;
  }

  append(text: string): void {
    const bytes = Buffer.byteLength(text);
    this.totalBytes += bytes;
    this.keptBytes += bytes;
    this.chunks.push(text);
    while (this.keptBytes > this.limitBytes) this.dropOldest();
    if (this.first > 1024 && this.first > this.chunks.length / 2) this.compact();
  }

  /** The kept text; where something was dropped a mark with its size stands first. */
  toString(): string {
    const kept = this.chunks.slice(this.first).join('');
    return this.truncated ? `[… ${this.totalBytes - this.keptBytes} bytes truncated …]\n${kept}` : kept;
  }

  private dropOldest(): void {
    const oldest = this.chunks[this.first] as string;
    const bytes = Buffer.byteLength(oldest);
    const excess = this.keptBytes - this.limitBytes;
    if (bytes <= excess) {
      this.chunks[this.first] = '';
      this.first += 1;
      this.keptBytes -= bytes;
      return;
    }
    const rest = cutStart(oldest, excess);
    this.chunks[this.first] = rest;
    this.keptBytes -= bytes - Buffer.byteLength(rest);
  }

  private compact(): void {
    this.chunks = this.chunks.slice(this.first);
    this.first = 0;
  }
}

/** Drops at least `bytes` bytes of UTF-8 from the start of a text, never half a character. */
function cutStart(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  let start = bytes;
  while (start < encoded.length && ((encoded[start] as number) & 0xc0) === 0x80) start += 1;
  return encoded.toString('utf8', start);
}
