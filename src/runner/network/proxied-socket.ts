import { type AddressInfo, Socket } from 'node:net';
import { NETWORK_REFUSED, type NetworkTarget } from '../../boundary/network-protocol.js';
import type { MultiplexedStream } from '../../boundary/multiplexing/multiplexed-stream.js';

type Done = (error?: Error | null) => void;

/** The way of sockets to the worker. */
export interface Bridge {
  /** The event loop is kept alive for this socket. */
  hold(socket: object): void;
  release(socket: object): void;
  open(socket: ProxiedSocket, target: NetworkTarget): MultiplexedStream;
}

const DEFAULT_HOST = 'localhost';

/** Where to connect, as code says it. */
export type ConnectOptions = Record<string, unknown> & { host?: string; port?: number; path?: string };

/** `(options, done)`, `(port, host, done)`, `(port, host, options, done)` or `(path, done)`. */
export function connectArguments(given: readonly unknown[]): [ConnectOptions, Done | undefined] {
  // Node's own modules hand on what they have sorted already.
  const args = Array.isArray(given[0]) ? (given[0] as unknown[]) : given;
  const done = args.find((arg) => typeof arg === 'function') as Done | undefined;
  const options = args.find((arg) => typeof arg === 'object' && arg !== null) as ConnectOptions | undefined;
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return [first as ConnectOptions, done];
  if (typeof first === 'string' && !/^\d+$/.test(first)) return [{ ...options, path: first }, done];
  const host = typeof second === 'string' ? { host: second } : {};
  return [{ ...options, port: Number(first), ...host }, done];
}

const familyOf = (host: string): string => (host.includes(':') ? 'IPv6' : 'IPv4');

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
      remoteAddress: accessor((socket: ProxiedSocket) => socket.target?.host),
      remotePort: accessor((socket: ProxiedSocket) => socket.target?.port),
      remoteFamily: accessor((socket: ProxiedSocket) => socket.target && familyOf(socket.target.host)),
      // Its end of the connection is the worker's, of which code learns nothing.
      localAddress: accessor((socket: ProxiedSocket) => (socket.isConnected ? '0.0.0.0' : undefined)),
      localPort: accessor((socket: ProxiedSocket) => (socket.isConnected ? 0 : undefined)),
      localFamily: accessor((socket: ProxiedSocket) => (socket.isConnected ? 'IPv4' : undefined)),
      bytesRead: accessor((socket: ProxiedSocket) => socket.counts.read),
      bytesWritten: accessor((socket: ProxiedSocket) => socket.counts.written),
      pending: accessor((socket: ProxiedSocket) => socket.connecting),
      readyState: accessor((socket: ProxiedSocket) => socket.currentState()),
    });
  }

  override connecting = false;
  isConnected = false;
  private stream: MultiplexedStream | null = null;
  private target: NetworkTarget | null = null;
  private isUnreferenced = false;
  private counts = { read: 0, written: 0 };

  constructor(private readonly bridge: Bridge) {
    super({ allowHalfOpen: false });
  }

  /** As `net.Socket.connect`: `(options, done)`, `(port, host, done)` or `(path, done)`. */
  override connect(...args: unknown[]): this {
    const [{ host, port, path }, done] = connectArguments(args);
    if (done) this.once('connect', done);
    if (this.stream !== null) throw new Error('a socket connects once: make another');
    if (path != null) return this.refuse(path);
    this.connecting = true;
    this.target = { host: host || DEFAULT_HOST, port: Number(port) };
    if (!this.isUnreferenced) this.bridge.hold(this);
    const stream = this.bridge.open(this, this.target);
    this.stream = stream;
    stream.once('opened', () => this.connected());
    stream.on('data', (chunk: Buffer) => {
      this.counts.read += chunk.length;
      this.touch();
      if (!this.push(chunk)) stream.pause();
    });
    stream.on('end', () => this.push(null));
    stream.on('error', (error) => this.destroy(error));
    // What came before its end may still wait here to be read.
    stream.on('close', () => stream.readableEnded || this.destroy());
    return this;
  }

  override address(): AddressInfo | Record<string, never> {
    return this.isConnected ? { address: '0.0.0.0', family: 'IPv4', port: 0 } : {};
  }

  private refuse(path: string): this {
    const message = `${path} is refused: this execution has no Unix sockets (NETWORK=proxy)`;
    process.nextTick(() => this.destroy(Object.assign(new Error(message), { code: NETWORK_REFUSED })));
    return this;
  }

  override ref(): this {
    this.isUnreferenced = false;
    if (!this.destroyed && this.stream !== null) this.bridge.hold(this);
    return this;
  }

  override unref(): this {
    this.isUnreferenced = true;
    this.bridge.release(this);
    return this;
  }

  override setNoDelay(): this {
    return this;
  }

  override setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.stream?.resume();
  }

  override _write(given: Buffer | string, encoding: BufferEncoding, done: Done): void {
    const chunk = typeof given === 'string' ? Buffer.from(given, encoding) : given;
    this.counts.written += chunk.length;
    this.touch();
    if (this.stream === null) done(new Error('the socket is not connected'));
    else this.stream.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer | string; encoding: BufferEncoding }[], done: Done): void {
    const bytes = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    this._write(Buffer.concat(bytes), 'utf8', done);
  }

  override _final(done: Done): void {
    if (this.stream === null) done();
    else this.stream.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.connecting = false;
    this.isConnected = false;
    this.bridge.release(this);
    this.setTimeout(0);
    this.stream?.destroy();
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
    this.isConnected = true;
    this.touch();
    this.emit('connect');
    this.emit('ready');
  }

  /** The socket's own timeout counts from its last use. */
  private touch(): void {
    (this as unknown as { _unrefTimer(): void })._unrefTimer();
  }
}

/** Makes a socket of Node's, of any class, that has not connected yet one that connects by way of the worker. */
export function adopted(socket: Socket, bridge: Bridge): ProxiedSocket {
  const made = Object.getOwnPropertyDescriptors(ProxiedSocket.prototype) as Record<
    string,
    PropertyDescriptor
  >;
  for (const [name, property] of Object.entries(made))
    if (name !== 'constructor') Object.defineProperty(socket, name, { ...property, configurable: true });
  return Object.assign(socket, {
    bridge,
    isConnected: false,
    stream: null,
    target: null,
    isUnreferenced: false,
    counts: { read: 0, written: 0 },
  }) as unknown as ProxiedSocket;
}

/** Whether a socket goes by way of the worker. */
export const isProxied = (socket: unknown): socket is ProxiedSocket =>
  socket instanceof Socket && 'bridge' in socket && 'isConnected' in socket;
