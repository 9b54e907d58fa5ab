/**
 * Memory in which the channel keeps what user code must not read: nonce, commands, output. `Buffer.from`
 * and the like would put it into the pool that every small buffer of this thread lies in, user code's too.
 * What was here is overwritten with zeros before the memory is given up, since user code may get it as a new buffer.
 */
import { decodeText, encodeInto, fill, partOf, setBytes } from './primordials.js';

/** One piece of memory that belongs to one part of the runner and is never handed out. */
export class OwnMemory {
  bytes: Uint8Array;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  /** Puts as much of a text here as fits, from the beginning on. */
  put(text: string): { read: number; written: number } {
    return encodeInto(text, this.bytes);
  }

  /** The text between two places. */
  text(start: number, end: number): string {
    return decodeText(partOf(this.bytes, start, end));
  }

  clear(end: number): void {
    fill(this.bytes, 0, 0, end);
  }

  /** Makes room for twice as much; what is here stays. */
  grow(): void {
    const before = this.bytes;
    this.bytes = new Uint8Array(before.length * 2);
    copyTo(this.bytes, before, 0, before.length, 0);
    fill(before, 0, 0, before.length);
  }
}

/** Copies `from[start, end)` to `to`, from `at` on. */
export function copyTo(to: Uint8Array, from: Uint8Array, start: number, end: number, at: number): void {
  setBytes(to, partOf(from, start, end), at);
}
