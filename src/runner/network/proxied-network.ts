/**
 * The network of a runner that has none: `net.connect`, `tls.connect` and everything of Node that goes by
 * them (`fetch`, `http`, `https`, `http2`, `WebSocket`) reach the worker over one descriptor, and the worker
 * decides what it connects to. The kernel refuses this process every socket, as without a network.
 */
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { NETWORK_FD, type NetworkTarget } from '../../boundary/network-protocol.js';
import type { MultiplexedStream } from '../../boundary/multiplexing/multiplexed-stream.js';
import { Multiplexer } from '../../boundary/multiplexing/multiplexer.js';
import { hideHandle } from '../channel/hidden-handles.js';
import { builtinModule } from '../channel/primordials.js';
import { addressesIn, bridgeNames } from './proxied-names.js';
import {
  adopted,
  type Bridge,
  connectArguments,
  type ConnectOptions,
  isProxied,
  ProxiedSocket,
} from './proxied-socket.js';

type Done = (() => void) | undefined;
type Options = ConnectOptions & { socket?: unknown };
type Tls = { connect: (options: Options, done: Done) => net.Socket };

/** Of Node's modules those that connect with TLS; loading it takes as long as half of a runner's boot. */
const SECURE_BUILTIN = /^(node:)?(tls|_tls_wrap|https|http2)$/;

const NAMES_BUILTIN = /^(node:)?dns(\/promises)?$/;

let network: ProxiedNetwork | null = null;

/** From now on this process connects by way of the worker. Before user code is loaded. */
export function useWorkersNetwork(): void {
  if (network !== null) return;
  network = new ProxiedNetwork();
  const secure = (): void => network?.secure();
  const { fetch } = globalThis;
  whenFirstRead('fetch', () => fetch, secure);
  whenFirstRead('WebSocket', () => (builtinModule('node:http') as { WebSocket: unknown }).WebSocket, secure);
}

/** Called before code gets a module of Node's. */
export function noticeBuiltin(id: string): void {
  if (network === null) return;
  if (SECURE_BUILTIN.test(id)) network.secure();
  if (NAMES_BUILTIN.test(id)) network.answerNames();
}

/** Ends every connection that this process has. */
export function endConnections(): void {
  network?.end();
}

class ProxiedNetwork {
  private readonly sockets = new Set<ProxiedSocket>();
  private readonly held = new Set<object>();
  private readonly connection = new net.Socket({ fd: NETWORK_FD, readable: true, writable: true });
  private readonly multiplexer = new Multiplexer(this.connection, {
    onOpen: null,
    onViolation: () => undefined,
  });
  private readonly bridge: Bridge;
  private secured = false;
  private answersNames = false;

  constructor() {
    hideHandle(this.connection);
    this.connection.unref();
    this.bridge = {
      hold: (socket) => this.hold(socket),
      release: (socket) => this.release(socket),
      open: (socket, target) => this.open(socket, target),
    };
    const connect = (...args: unknown[]): net.Socket => this.connect(...args);
    Object.assign(net, { connect, createConnection: connect });
    bridgeSockets(this.bridge);
    syncBuiltinESMExports();
  }

  /** TLS, too, connects by way of the worker. */
  secure(): void {
    if (this.secured) return;
    this.secured = true;
    const tls = builtinModule('node:tls') as Tls;
    const original = tls.connect.bind(tls);
    tls.connect = (...args: unknown[]): net.Socket => {
      const [options, done] = connectArguments(args) as [Options, Done];
      if (options.socket) return upgraded(options.socket, () => original(options, done));
      const socket = this.connect(options);
      const secured = original({ ...options, socket }, done);
      // What keeps the event loop alive is below TLS, which does not pass this on.
      secured.ref = () => (socket.ref(), secured);
      secured.unref = () => (socket.unref(), secured);
      return secured;
    };
    syncBuiltinESMExports();
  }

  /** What addresses a name has, the worker says. */
  answerNames(): void {
    if (this.answersNames) return;
    this.answersNames = true;
    bridgeNames((host) => this.addressesOf(host));
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy();
    this.multiplexer.endStreams();
  }

  private connect(...args: unknown[]): net.Socket {
    const socket = new ProxiedSocket(this.bridge);
    const [options] = connectArguments(args);
    if (typeof options['timeout'] === 'number') socket.setTimeout(options['timeout']);
    return socket.connect(...args);
  }

  private open(socket: ProxiedSocket, target: NetworkTarget): MultiplexedStream {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return this.multiplexer.open(Buffer.from(JSON.stringify(target)));
  }

  private async addressesOf(host: string): Promise<string[]> {
    const stream = this.multiplexer.open(Buffer.from(JSON.stringify({ lookup: host })));
    this.hold(stream);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of stream.end()) chunks.push(chunk as Buffer);
      return addressesIn(Buffer.concat(chunks).toString());
    } catch (error) {
      throw Object.assign(error as Error, { syscall: 'getaddrinfo', hostname: host });
    } finally {
      this.release(stream);
    }
  }

  /** Only open sockets and questions keep the event loop alive, and only those that are not unreferenced. */
  private hold(socket: object): void {
    this.held.add(socket);
    this.connection.ref();
  }

  private release(socket: object): void {
    this.held.delete(socket);
    if (this.held.size === 0) this.connection.unref();
  }
}

/** What code makes itself by `new net.Socket()` goes by way of the worker once it connects. */
function bridgeSockets(bridge: Bridge): void {
  const { prototype } = net.Socket as unknown as {
    prototype: { connect: (...args: unknown[]) => net.Socket };
  };
  const { connect: original } = prototype;
  prototype.connect = function connect(this: net.Socket, ...args: unknown[]): net.Socket {
    // A handle is there of what is no connection of the system, as below TLS; the system refuses all others.
    if ((this as unknown as { _handle: unknown })._handle) return Reflect.apply(original, this, args);
    return adopted(this, bridge).connect(...args);
  };
}

/**
 * TLS over a connection that is there already, as STARTTLS has it. TLS takes a socket without a handle for one
 * that is yet to connect, and waits.
 */
function upgraded(below: unknown, secure: () => net.Socket): net.Socket {
  if (!isProxied(below) || !below.isConnected) return secure();
  const before = new Set(below.rawListeners('connect'));
  const socket = secure();
  const waiting = below.rawListeners('connect').filter((listener) => !before.has(listener));
  process.nextTick(() => {
    for (const listener of waiting) Reflect.apply(listener, below, []);
  });
  return socket;
}

/** Calls back before a global is read for the first time; from then on it is what it was. */
function whenFirstRead(name: string, original: () => unknown, callback: () => void): void {
  let found: { value: unknown } | null = null;
  const put = (value: unknown): void => {
    found = { value };
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true, enumerable });
  };
  const enumerable = Object.prototype.propertyIsEnumerable.call(globalThis, name);
  // To define it anew would read it, which loads half of Node's HTTP client.
  Reflect.deleteProperty(globalThis, name);
  Object.defineProperty(globalThis, name, {
    configurable: true,
    enumerable,
    get(): unknown {
      if (found !== null) return found.value;
      callback();
      put(original());
      return Reflect.get(globalThis, name);
    },
    set: put,
  });
}
