import type { Duplex } from 'node:stream';
import type { NetworkFrame } from '../network-protocol.js';
import { encodeFrame, FrameReader } from './frame-reader.js';
import { type Carrier, MultiplexedStream } from './multiplexed-stream.js';

/** What one end does about what comes. */
export interface MultiplexerListener {
  /** The other side opens a stream; null: this side is the one that does. */
  onOpen: ((stream: MultiplexedStream, payload: Buffer) => void) | null;
  /** The other side sent what it must not; the connection is closed. */
  onViolation(what: string): void;
  /** The number of streams is another one. */
  onCount?(count: number): void;
}

/** Streams that one end may have opened at once, whatever it is allowed to reach. */
const MAX_STREAMS = 4096;

/**
 * Many byte streams over one connection. One side opens them; both are strict with what they read, since the
 * other end may be user code. While the connection takes nothing, the side that does not open streams
 * reads nothing either, so that its answers do not pile up.
 */
export class Multiplexer implements Carrier {
  private readonly streams = new Map<number, MultiplexedStream>();
  private readonly reader = new FrameReader((frame, id, payload) => this.take(frame, id, payload));
  private readonly waiting: (() => void)[] = [];
  private lastId = 0;
  private barrier: (() => void) | null = null;
  private barriers = 0;
  private broken = false;
  private pausedUntilMs = 0;
  /** Frames since the connection was made. */
  frames = 0;

  constructor(
    private readonly connection: Duplex,
    private readonly listener: MultiplexerListener,
  ) {
    connection.on('data', (chunk: Buffer) => this.receive(chunk));
    connection.on('drain', () => this.drained());
    connection.on('error', () => undefined);
    connection.on('close', () => this.close());
  }

  get openStreams(): number {
    return this.streams.size;
  }

  /** Opens a stream; what is written before the other side is ready waits there. */
  open(payload: Uint8Array): MultiplexedStream {
    const stream = this.add(this.lastId + 1);
    this.send('open', stream.id, payload);
    return stream;
  }

  /** Ends every stream. */
  endStreams(): void {
    for (const stream of this.streams.values()) stream.destroy();
  }

  /** Resolves when everything has arrived that the other side sent before it received the barrier. */
  passBarrier(): Promise<void> {
    if (this.broken || this.connection.destroyed) return Promise.resolve();
    this.barriers += 1;
    const passed = new Promise<void>((resolve) => (this.barrier = resolve));
    this.send('barrier', this.barriers);
    return passed;
  }

  /** Reads nothing for a while. */
  pauseFor(ms: number): void {
    const now = performance.now();
    const first = this.pausedUntilMs <= now;
    this.pausedUntilMs = Math.max(this.pausedUntilMs, now) + ms;
    this.connection.pause();
    if (first) this.resumeLater();
  }

  close(): void {
    this.broken = true;
    this.endStreams();
    this.connection.destroy();
    this.barrier?.();
  }

  send(frame: NetworkFrame, stream: number, payload?: Uint8Array): void {
    if (this.connection.destroyed || this.broken) return;
    const full = !this.connection.write(encodeFrame(frame, stream, payload));
    // If both sides stopped reading, neither would ever go on.
    if (full && this.listener.onOpen !== null) this.connection.pause();
  }

  whenWritable(callback: () => void): void {
    if (this.connection.writableNeedDrain) this.waiting.push(callback);
    else callback();
  }

  forget(stream: MultiplexedStream): void {
    if (this.streams.delete(stream.id)) this.listener.onCount?.(this.streams.size);
  }

  private drained(): void {
    if (this.pausedUntilMs <= performance.now()) this.connection.resume();
    for (const callback of this.waiting.splice(0)) this.whenWritable(callback);
  }

  private resumeLater(): void {
    setTimeout(() => {
      if (this.pausedUntilMs > performance.now()) this.resumeLater();
      else if (!this.connection.writableNeedDrain) this.connection.resume();
    }, this.pausedUntilMs - performance.now()).unref();
  }

  private add(id: number): MultiplexedStream {
    this.lastId = id;
    const stream = new MultiplexedStream(this, id);
    stream.on('error', () => undefined);
    this.streams.set(id, stream);
    this.listener.onCount?.(this.streams.size);
    return stream;
  }

  private receive(chunk: Buffer): void {
    if (this.broken) return;
    try {
      this.reader.push(chunk);
    } catch (error) {
      if (this.broken) return;
      this.close();
      this.listener.onViolation((error as Error).message);
    }
  }

  private take(frame: NetworkFrame, id: number, payload: Buffer): void {
    this.frames += 1;
    if (this.broken) return;
    if (frame === 'barrier') return this.takeBarrier(id);
    if (frame === 'open') return this.takeOpen(id, payload);
    const stream = this.streams.get(id);
    // What was under way while a stream was closed here comes still.
    if (stream) stream.receive(frame, payload);
    else if (id === 0 || id > this.lastId) throw new Error('a frame of a stream that was never opened');
  }

  private takeOpen(id: number, payload: Buffer): void {
    const { onOpen } = this.listener;
    if (onOpen === null || id !== this.lastId + 1) throw new Error('a stream that cannot be opened');
    if (this.streams.size >= MAX_STREAMS) throw new Error('too many streams');
    onOpen(this.add(id), payload);
  }

  /** Streams are counted anew after a barrier, whatever the other side has opened before it without our knowing. */
  private takeBarrier(id: number): void {
    if (this.listener.onOpen === null) {
      this.endStreams();
      this.lastId = 0;
      return this.send('barrier', id);
    }
    const { barrier } = this;
    if (barrier === null || id !== this.barriers) throw new Error('a barrier that was not asked for');
    this.barrier = null;
    this.endStreams();
    this.lastId = 0;
    barrier();
  }
}
