/** Written beyond the kept output by this factor, code is printing without end. */
const OUTPUT_KILL_FACTOR = 16;
/** Bytes of a frame that count as one byte printed: names, escapes and the nonce make most of it. */
const FRAME_BYTES_PER_BYTE = 4;
/** What a frame counts at least: it costs the worker more than its bytes. */
const FRAME_MIN_BYTES = 128;
/** What one counts at least that prints nothing. */
const SILENT_FRAME_BYTES = 1_024;
/** What an execution may send beside its output, however small the limit of that is. */
const BASE_BYTES = 4_194_304;

/** Counts everything that an execution sends its worker, so that none sends without end. */
export class Traffic {
  private printed = 0;
  private carried = 0;
  private readonly printLimit: number;

  /** @param outputBytes how much of its output is kept: OUTPUT_LIMIT_BYTES */
  constructor(outputBytes: number) {
    this.printLimit = outputBytes * OUTPUT_KILL_FACTOR;
  }

  /** It printed this many bytes of text. */
  print(bytes: number): void {
    this.printed += bytes;
  }

  /** A frame of this many bytes came, with text to print or without. */
  carry(bytes: number, prints: boolean): void {
    const share = bytes / FRAME_BYTES_PER_BYTE;
    this.carried += Math.max(share, prints ? FRAME_MIN_BYTES : SILENT_FRAME_BYTES);
  }

  /** It is more than any execution needs. */
  get isTooMuch(): boolean {
    return this.printed > this.printLimit || this.carried > this.printLimit + BASE_BYTES;
  }
}
