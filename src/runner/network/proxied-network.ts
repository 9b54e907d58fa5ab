/**
 * The network of a runner that has none: `net.connect`, `tls.connect` and everything of Node that goes by
 * them (`fetch`, `http`, `https`, `http2`, `WebSocket`) reach the worker over one descriptor, and the worker
 * decides what it connects to. The kernel refuses this process every socket, as without a network.
 */
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { NETWORK_FD, NETWORK_REFUSED } from '../../boundary/network-protocol.js';
import { Multiplexer } from '../../boundary/multiplexing/multiplexer.js';
import { hideHandle } from '../channel/hidden-handles.js';
import { builtinModule } from '../channel/primordials.js';
import { type Hold, ProxiedSocket } from './proxied-socket.js';

type Options = Record<string, unknown> & { host?: string; port?: number; path?: string; socket?: unknown };
type Done = (() => void) | undefined;
type Tls = { connect: (options: Options, done: Done) => net.Socket };

const DEFAULT_HOST = 'localhost';
/** Of Node's modules those that connect with TLS; loading it takes as long as half of a runner's boot. */
const SECURE_BUILTIN = /^(node:)?(tls|_tls_wrap|https|http2)$/;

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
  if (network !== null && SECURE_BUILTIN.test(id)) network.secure();
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
  private readonly holder: Hold;
  private secured = false;

  constructor() {
    hideHandle(this.connection);
    this.connection.unref();
    this.holder = {
      hold: (socket) => this.hold(socket),
      release: (socket) => this.release(socket),
    };
    const connect = (...args: unknown[]): net.Socket => this.connect(...argumentsOf(args));
    Object.assign(net, { connect, createConnection: connect });
    syncBuiltinESMExports();
  }

  /** TLS, too, connects by way of the worker. */
  secure(): void {
    if (this.secured) return;
    this.secured = true;
    const tls = builtinModule('node:tls') as Tls;
    const original = tls.connect.bind(tls);
    tls.connect = (...args: unknown[]): net.Socket => {
      const [options, done] = argumentsOf(args);
      if (options.socket) return original(options, done);
      const socket = this.connect(options, undefined);
      const secured = original({ ...options, socket }, done);
      // What keeps the event loop alive is below TLS, which does not pass this on.
      secured.ref = () => (socket.ref(), secured);
      secured.unref = () => (socket.unref(), secured);
      return secured;
    };
    syncBuiltinESMExports();
  }

  end(): void {
    for (const socket of this.sockets) socket.destroy();
    this.multiplexer.endStreams();
  }

  private connect({ host, port, path }: Options, done: Done): net.Socket {
    if (path != null)
      return refusedSocket(`${path} is refused: this execution has no Unix sockets (NETWORK=proxy)`);
    const target = { host: host || DEFAULT_HOST, port: Number(port) };
    const open = () => this.multiplexer.open(Buffer.from(JSON.stringify(target)));
    const socket = new ProxiedSocket(open, target, this.holder);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    if (done) socket.once('connect', done);
    return socket;
  }

  /** Only open sockets keep the event loop alive, and only those that are not unreferenced. */
  private hold(socket: object): void {
    this.held.add(socket);
    this.connection.ref();
  }

  private release(socket: object): void {
    this.held.delete(socket);
    if (this.held.size === 0) this.connection.unref();
  }
}

function refusedSocket(message: string): net.Socket {
  const socket = new net.Socket();
  process.nextTick(() => socket.destroy(Object.assign(new Error(message), { code: NETWORK_REFUSED })));
  return socket;
}

/** `(options, done)`, `(port, host, done)`, `(port, host, options, done)` or `(path, done)`. */
function argumentsOf(args: readonly unknown[]): [Options, Done] {
  const done = args.find((arg) => typeof arg === 'function') as Done;
  const options = args.find((arg) => typeof arg === 'object' && arg !== null) as Options | undefined;
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return [first as Options, done];
  if (typeof first === 'string' && !/^\d+$/.test(first)) return [{ ...options, path: first }, done];
  const host = typeof second === 'string' ? { host: second } : {};
  return [{ ...options, port: Number(first), ...host }, done];
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
