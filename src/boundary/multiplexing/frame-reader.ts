import {
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES,
  NETWORK_FRAMES,
  type NetworkFrame,
} from '../network-protocol.js';

const NAMES = new Map(Object.entries(NETWORK_FRAMES).map(([name, type]) => [type as number, name]));

/** The bytes of one frame. */
export function encodeFrame(frame: NetworkFrame, stream: number, payload: Uint8Array = EMPTY): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUInt8(NETWORK_FRAMES[frame], 0);
  bytes.writeUInt32LE(stream, 1);
  bytes.writeUInt32LE(payload.length, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

const EMPTY = new Uint8Array(0);

/** Receives a frame; the payload is valid during the call only. */
export type FrameListener = (frame: NetworkFrame, stream: number, payload: Buffer) => void;

/** Cuts untrusted bytes into frames, with the memory of one frame and no work that grows with their number. */
export class FrameReader {
  private kept: Buffer | null = null;
  private keptBytes = 0;

  constructor(private readonly onFrame: FrameListener) {}

  /** Whether nothing of a frame waits for its rest. */
  get isBetweenFrames(): boolean {
    return this.keptBytes === 0;
  }

  /** @throws {Error} that says what is wrong with the bytes; nothing more can be read then. */
  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.keptBytes > 0) {
        rest = this.complete(rest);
        continue;
      }
      const length = lengthOf(rest);
      if (length === null || rest.length < length) return this.keep(rest);
      this.emit(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  }

  /** Takes what is missing of the frame that waits; returns what is left. */
  private complete(chunk: Buffer): Buffer {
    const wanted = lengthOf(this.keptFrame) ?? FRAME_HEADER_BYTES;
    const taken = chunk.subarray(0, wanted - this.keptBytes);
    this.keep(taken);
    const frame = this.keptFrame;
    if (lengthOf(frame) === frame.length) {
      this.keptBytes = 0;
      this.emit(frame);
    }
    return chunk.subarray(taken.length);
  }

  private get keptFrame(): Buffer {
    return (this.kept as Buffer).subarray(0, this.keptBytes);
  }

  private keep(bytes: Buffer): void {
    this.kept ??= Buffer.allocUnsafeSlow(FRAME_HEADER_BYTES + FRAME_PAYLOAD_BYTES);
    this.kept.set(bytes, this.keptBytes);
    this.keptBytes += bytes.length;
  }

  private emit(frame: Buffer): void {
    const name = NAMES.get(frame.readUInt8(0)) as NetworkFrame;
    this.onFrame(name, frame.readUInt32LE(1), frame.subarray(FRAME_HEADER_BYTES));
  }
}

/** Of the whole frame that begins here; null: more is needed to know. */
function lengthOf(bytes: Buffer): number | null {
  if (bytes.length > 0 && !NAMES.has(bytes.readUInt8(0))) throw new Error('a frame of an unknown type');
  if (bytes.length < FRAME_HEADER_BYTES) return null;
  const length = bytes.readUInt32LE(5);
  if (length > FRAME_PAYLOAD_BYTES) throw new Error('a frame that is too long');
  return FRAME_HEADER_BYTES + length;
}
