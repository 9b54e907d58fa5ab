import { Duplex } from 'node:stream';
import {
  FRAME_PAYLOAD_BYTES,
  type NetworkFailure,
  type NetworkFrame,
  STREAM_WINDOW_BYTES,
} from '../network-protocol.js';

/** Below this the other side is not bothered: it still has most of its window. */
const CREDIT_STEP_BYTES = STREAM_WINDOW_BYTES / 4;
const READ_AHEAD_BYTES = 65_536;
const UINT32_BYTES = 4;

/** What a stream needs of the connection that carries it. */
export interface Carrier {
  send(frame: NetworkFrame, stream: number, payload?: Uint8Array): void;
  /** Calls back when the connection takes more: at once, or when it has room again. */
  whenWritable(callback: () => void): void;
  forget(stream: MultiplexedStream): void;
}

/** One stream of a {@link Multiplexer}, with flow control: neither side ever holds more than a window of it. */
export class MultiplexedStream extends Duplex {
  private credit = STREAM_WINDOW_BYTES;
  private window = STREAM_WINDOW_BYTES;
  private owed = 0;
  private whenCredited: (() => void) | null = null;
  private ended = false;
  private endSent = false;
  private closedByPeer = false;
  private failure: NetworkFailure | null = null;

  constructor(
    private readonly carrier: Carrier,
    readonly id: number,
  ) {
    super({ readableHighWaterMark: READ_AHEAD_BYTES, allowHalfOpen: true });
  }

  /** Reports to the other side that the stream is connected to its target. */
  sendOpened(): void {
    this.carrier.send('opened', this.id);
  }

  /** Ends the stream and sends the reason to the other side. */
  fail(failure: NetworkFailure): void {
    this.failure = failure;
    this.destroy();
  }

  /**
   * A frame of the other side.
   * @throws {Error} that says what is wrong with it.
   */
  receive(frame: NetworkFrame, payload: Buffer): void {
    if (this.destroyed) return;
    switch (frame) {
      case 'opened':
        return void this.emit('opened');
      case 'data':
        return this.receiveData(payload);
      case 'end':
        this.ended = true;
        return void this.push(null);
      case 'close':
        this.closedByPeer = true;
        return void this.destroy(payload.length === 0 ? undefined : errorOf(payload));
      case 'credit':
        return this.receiveCredit(payload);
      case 'open':
      case 'barrier':
        throw new Error(`a frame ${frame} of an open stream`);
    }
  }

  private receiveData(payload: Buffer): void {
    if (this.ended || payload.length === 0 || payload.length > this.window)
      throw new Error('data that was not asked for');
    this.window -= payload.length;
    this.owed += payload.length;
    if (this.push(Buffer.from(payload))) this.grant();
  }

  private receiveCredit(payload: Buffer): void {
    const bytes = payload.length === UINT32_BYTES ? payload.readUInt32LE(0) : 0;
    if (bytes === 0 || this.credit + bytes > STREAM_WINDOW_BYTES) throw new Error('credit for nothing');
    this.credit += bytes;
    const { whenCredited } = this;
    this.whenCredited = null;
    whenCredited?.();
  }

  private grant(): void {
    if (this.owed < CREDIT_STEP_BYTES || this.ended) return;
    const payload = Buffer.alloc(UINT32_BYTES);
    payload.writeUInt32LE(this.owed, 0);
    this.window += this.owed;
    this.owed = 0;
    this.carrier.send('credit', this.id, payload);
  }

  override _read(): void {
    this.grant();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (this.destroyed) return done();
    if (chunk.length === 0) return done();
    if (this.credit === 0) {
      this.whenCredited = () => this._write(chunk, encoding, done);
      return;
    }
    const part = chunk.subarray(0, Math.min(this.credit, FRAME_PAYLOAD_BYTES));
    this.credit -= part.length;
    this.carrier.send('data', this.id, part);
    this.carrier.whenWritable(() => this._write(chunk.subarray(part.length), encoding, done));
  }

  override _final(done: () => void): void {
    this.endSent = true;
    this.carrier.send('end', this.id);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const failure = this.failure === null ? undefined : Buffer.from(JSON.stringify(this.failure));
    // With an end from both sides it is over anyway, once the other has read what it still holds.
    const isOver = this.closedByPeer || (error === null && this.endSent && this.ended);
    if (!isOver) this.carrier.send('close', this.id, failure);
    this.carrier.forget(this);
    done(error);
  }
}

function errorOf(payload: Buffer): Error {
  const { code, message } = JSON.parse(payload.toString()) as NetworkFailure;
  return Object.assign(new Error(message), { code });
}
