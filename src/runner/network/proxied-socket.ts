import { Socket } from 'node:net';
import type { MultiplexedStream } from '../../boundary/multiplexing/multiplexed-stream.js';

type Done = (error?: Error | null) => void;

/** What keeps the event loop alive for a socket. */
export interface Hold {
  hold(socket: object): void;
  release(socket: object): void;
}

const accessor = (get: (socket: ProxiedSocket) => unknown): PropertyDescriptor => ({
  configurable: true,
  get(this: ProxiedSocket): unknown {
    return get(this);
  },
});

/** What programs expect of a connected socket, over a stream to the worker. It has no handle of the system. */
export class ProxiedSocket extends Socket {
  static {
    // By Node's own class these are accessors, too, though its types say otherwise.
    Object.defineProperties(this.prototype, {
      remoteAddress: accessor((socket: ProxiedSocket) => socket.target.host),
      remotePort: accessor((socket: ProxiedSocket) => socket.target.port),
      bytesRead: accessor((socket: ProxiedSocket) => socket.counts.read),
      bytesWritten: accessor((socket: ProxiedSocket) => socket.counts.written),
      pending: accessor((socket: ProxiedSocket) => socket.connecting),
      readyState: accessor((socket: ProxiedSocket) => socket.currentState()),
    });
  }

  override connecting = true;
  private readonly stream: MultiplexedStream;
  private counts = { read: 0, written: 0 };

  constructor(
    open: () => MultiplexedStream,
    private readonly target: { host: string; port: number },
    private readonly holder: Hold,
  ) {
    super({ allowHalfOpen: false });
    holder.hold(this);
    this.stream = open();
    this.stream.once('opened', () => this.connected());
    this.stream.on('data', (chunk: Buffer) => {
      this.counts.read += chunk.length;
      this.touch();
      if (!this.push(chunk)) this.stream.pause();
    });
    this.stream.on('end', () => this.push(null));
    this.stream.on('error', (error) => this.destroy(error));
    // What came before its end may still wait here to be read.
    this.stream.on('close', () => this.stream.readableEnded || this.destroy());
  }

  override ref(): this {
    if (!this.destroyed) this.holder.hold(this);
    return this;
  }

  override unref(): this {
    this.holder.release(this);
    return this;
  }

  override setNoDelay(): this {
    return this;
  }

  override setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.stream.resume();
  }

  override _write(given: Buffer | string, encoding: BufferEncoding, done: Done): void {
    const chunk = typeof given === 'string' ? Buffer.from(given, encoding) : given;
    this.counts.written += chunk.length;
    this.touch();
    this.stream.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: Done): void {
    const bytes = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this._write(Buffer.concat(bytes), 'utf8', done);
  }

  override _final(done: Done): void {
    this.stream.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.connecting = false;
    this.holder.release(this);
    this.setTimeout(0);
    this.stream.destroy();
    done(error);
    // Node's sockets say it themselves.
    process.nextTick(() => this.emit('close', error !== null));
  }

  private currentState(): string {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  private connected(): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.touch();
    this.emit('connect');
    this.emit('ready');
  }

  /** The socket's own timeout counts from its last use. */
  private touch(): void {
    (this as unknown as { _unrefTimer(): void })._unrefTimer();
  }
}
