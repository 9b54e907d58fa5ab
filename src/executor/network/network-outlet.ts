import { Logger } from '@nestjs/common';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pause } from '../../lib/time-limit.js';
import type { NetworkPolicy } from '../../contract/confinement.js';
import {
  ADDRESSES_LIMIT,
  NETWORK_FD,
  NETWORK_REFUSED,
  type NetworkFailure,
  type NetworkRequest,
  type NetworkTarget,
  shownTarget,
} from '../../boundary/network-protocol.js';
import { SELF_TEST_ID } from '../../boundary/self-test.js';
import { emitMeasurement, type NetworkRefusalReason } from '../../telemetry/measurements.js';
import type { MultiplexedStream } from '../../boundary/multiplexing/multiplexed-stream.js';
import { Multiplexer } from '../../boundary/multiplexing/multiplexer.js';
import { type AllowEntry, parseNetworkAllow } from '../../config/network-allow.js';
import type { Dialer } from './dialer.js';
import { checkNarrowed, NetworkRefusal } from './network-rules.js';

/** What one execution may have of the worker's network. */
export interface OutletLimits {
  connections: number;
  /** Both ways together. */
  transferBytes: number;
  /** A connection without a byte for this time is closed. */
  idleMs: number;
}

/** What every outlet of a worker shares. */
export interface OutletServices {
  dialer: Pick<Dialer, 'dial' | 'addresses'>;
  limits: OutletLimits;
}

/** The execution that a runner's connections belong to. */
interface Use {
  executionId: string;
  network: NetworkPolicy;
  /** Of its organization; null: it has none of its own. */
  rules: readonly AllowEntry[] | null;
  bytes: number;
  refusals: number;
  nextDialMs: number;
  /** Addresses that were sent to the code, and the name that they are of. */
  names: Map<string, string>;
}

const REFUSALS_LOGGED = 5;
/** One execution opens a hundred connections at once, then a hundred a second; more wait. */
const DIAL_PAUSE_MS = 10;
const DIAL_BURST_MS = 1_000;
/** Frames of one runner that are read at once; then it waits, so that one that sends many does not slow the others. */
const FRAMES_AT_ONCE = 2_000;
const FRAMES_PER_MS = 10;
/** Of the addresses that were sent to an execution, the oldest are forgotten. */
const NAMES_REMEMBERED = 1_000;
const TARGET_LIMIT_BYTES = 1024;
const MAX_PORT = 65_535;
const PASSED_ON = /^E[A-Z_]{2,30}$/;

const logger = new Logger('Network');

/**
 * The network of one runner that has none: opens connections for the execution that runs there, as far as
 * the dialer lets it. With the execution end its connections; nothing of it is left for the next.
 */
export class NetworkOutlet {
  private readonly multiplexer: Multiplexer;
  private use: Use | null = null;
  private latest: Use | null = null;
  private rules: readonly AllowEntry[] | null = null;
  private budgetAtMs = 0;
  private framesSeen = 0;

  constructor(
    connection: Duplex,
    private readonly services: OutletServices,
    onViolation: (what: string) => void,
  ) {
    this.multiplexer = new Multiplexer(connection, {
      onOpen: (stream, payload) => this.accept(stream, payload),
      onViolation,
    });
    connection.on('data', () => this.watchFrames());
  }

  /** What the next execution may reach of what the worker lets through, as entries of NETWORK_ALLOW; null: all of it. */
  narrow(allow: readonly string[] | null): void {
    this.rules = allow && parseNetworkAllow(allow.join(','));
  }

  /** The runner's connections are those of this execution from now on. */
  begin(executionId: string, network: NetworkPolicy): void {
    const { rules } = this;
    this.use = { executionId, network, rules, bytes: 0, refusals: 0, nextDialMs: 0, names: new Map() };
    this.latest = this.use;
  }

  /** Bytes of the latest execution, both ways. */
  get transferredBytes(): number {
    return this.latest?.bytes ?? 0;
  }

  /** Ends every connection; resolves when nothing of the execution can come any more. */
  async settle(): Promise<void> {
    this.use = null;
    this.multiplexer.endStreams();
    await this.multiplexer.passBarrier();
  }

  /** Ends every connection, and takes no more. */
  close(): void {
    this.use = null;
    this.multiplexer.close();
  }

  private accept(stream: MultiplexedStream, payload: Buffer): void {
    const request = requestIn(payload);
    const target = request !== null && 'lookup' in request ? { host: request.lookup, port: 0 } : request;
    const { use } = this;
    try {
      if (target === null)
        throw new NetworkRefusal('malformed', 'a connection to something that is no host and port');
      if (use === null || use.network !== 'proxy')
        throw refusal('none', target, `this execution has network ${use?.network ?? 'none'}`);
      if (this.multiplexer.openStreams > this.services.limits.connections)
        throw refusal(
          'connections',
          target,
          `NETWORK_CONNECTIONS_LIMIT of the worker is ${this.services.limits.connections}`,
        );
      checkNarrowed(use.rules, target, use.names);
    } catch (error) {
      return this.refused(stream, use, target, error);
    }
    const done = target.port === 0 ? this.lookUp(stream, use, target.host) : this.open(stream, use, target);
    void done.catch((error: unknown) => this.refused(stream, use, target, error));
  }

  /** Waits until it is the turn of another connection or look-up. */
  private async turn(use: Use, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    use.nextDialMs = Math.max(use.nextDialMs, now - DIAL_BURST_MS) + DIAL_PAUSE_MS;
    if (use.nextDialMs > now) await pause(use.nextDialMs - now, signal);
  }

  private async lookUp(stream: MultiplexedStream, use: Use, host: string): Promise<void> {
    await this.turn(use, endOf(stream));
    if (stream.destroyed) return;
    const addresses = (await this.services.dialer.addresses(host)).slice(0, ADDRESSES_LIMIT);
    if (stream.destroyed || this.use !== use) return void stream.destroy();
    for (const address of addresses) use.names.set(address, host);
    for (const address of use.names.keys()) {
      if (use.names.size <= NAMES_REMEMBERED) break;
      use.names.delete(address);
    }
    stream.sendOpened();
    stream.resume().end(JSON.stringify(addresses));
  }

  private async open(stream: MultiplexedStream, use: Use, target: NetworkTarget): Promise<void> {
    const signal = endOf(stream);
    await this.turn(use, signal);
    if (stream.destroyed) return;
    const socket = await this.services.dialer.dial(target, signal, (address) => use.names.get(address));
    if (stream.destroyed || this.use !== use) {
      socket.destroy();
      stream.destroy();
      return;
    }
    emitMeasurement('network-connection', { result: 'opened', reason: '' });
    this.join(stream, socket, use, target);
  }

  private join(stream: MultiplexedStream, socket: Socket, use: Use, target: NetworkTarget): void {
    const { idleMs, transferBytes } = this.services.limits;
    const count = (chunk: Buffer): void => {
      use.bytes += chunk.length;
      if (use.bytes <= transferBytes) return;
      const error = refusal('transfer', target, `NETWORK_TRANSFER_LIMIT_MB of the worker is reached`);
      this.refused(stream, use, target, error);
    };
    socket.setTimeout(idleMs, () => socket.destroy(timedOut(target)));
    stream.on('data', count);
    socket.on('data', count);
    socket.once('error', (error) => stream.fail(failureOf(error, target)));
    stream.sendOpened();
    joinBothWays(stream, socket);
  }

  private refused(
    stream: MultiplexedStream,
    use: Use | null,
    target: NetworkTarget | null,
    error: unknown,
  ): void {
    const refused = error instanceof NetworkRefusal;
    // The self-test reports the worker's own attempts.
    if (use?.executionId === SELF_TEST_ID) return stream.fail(failureOf(error as Error, target));
    emitMeasurement('network-connection', {
      result: refused ? 'refused' : 'failed',
      reason: refused ? error.reason : '',
    });
    if (refused && use !== null && use.refusals++ < REFUSALS_LOGGED) {
      const { reason, addresses } = error;
      logger.warn({ msg: 'network refused', executionId: use.executionId, ...target, reason, addresses });
    }
    stream.fail(failureOf(error as Error, target));
  }

  /** A runner that sends frames faster than anything useful needs is read more slowly. */
  private watchFrames(): void {
    const now = performance.now();
    const seen = this.multiplexer.frames - this.framesSeen;
    this.framesSeen = this.multiplexer.frames;
    this.budgetAtMs = Math.max(this.budgetAtMs, now - FRAMES_AT_ONCE / FRAMES_PER_MS) + seen / FRAMES_PER_MS;
    if (this.budgetAtMs > now) this.multiplexer.pauseFor(this.budgetAtMs - now);
  }
}

/** What an outlet may do to the runner that it serves. */
interface OutletRunner {
  markUnfit(reason: string): void;
  refuse(what: string): void;
}

/** The outlet of a runner that has the descriptor for it. */
export function openOutlet(
  child: { readonly stdio: readonly unknown[] },
  services: OutletServices,
  runner: OutletRunner,
): NetworkOutlet {
  const connection = child.stdio[NETWORK_FD] as Duplex;
  // User code can close its end.
  connection.once('close', () => runner.markUnfit('network'));
  return new NetworkOutlet(connection, services, (what) => runner.refuse(what));
}

const refusal = (reason: NetworkRefusalReason, target: NetworkTarget, why: string): NetworkRefusal =>
  new NetworkRefusal(reason, `${shownTarget(target)} is refused: ${why}`);

const timedOut = ({ host }: NetworkTarget): Error =>
  Object.assign(
    new Error(`the connection to ${host} was idle for too long (NETWORK_IDLE_SECONDS of the worker)`),
    { code: 'ETIMEDOUT' },
  );

/** Aborted when the stream is gone. */
function endOf(stream: MultiplexedStream): AbortSignal {
  const ended = new AbortController();
  stream.once('close', () => ended.abort());
  return ended.signal;
}

/** The message for the code: of system errors their code, and no address. */
function failureOf(error: Error, target: NetworkTarget | null): NetworkFailure {
  if (error instanceof NetworkRefusal) return { code: NETWORK_REFUSED, message: error.message };
  const { code } = error as NodeJS.ErrnoException;
  const known = code !== undefined && PASSED_ON.test(code) ? code : 'ECONNRESET';
  if (target?.port === 0) return { code: known, message: `getaddrinfo ${known} ${target.host}` };
  const where = target === null ? '' : ` ${shownTarget(target)}`;
  return { code: known, message: `connect ${known}${where}` };
}

/** Each side may end while the other goes on; when one is gone too early, so is the other. */
function joinBothWays(stream: MultiplexedStream, socket: Socket): void {
  stream.pipe(socket).pipe(stream);
  stream.once('close', () => (stream.readableEnded ? socket.destroySoon() : socket.destroy()));
  socket.once('close', () => stream.writableEnded || stream.destroy());
}

/** Anything may come from a runner. */
function requestIn(payload: Buffer): NetworkRequest | null {
  if (payload.length > TARGET_LIMIT_BYTES) return null;
  try {
    const { host, port, lookup } = JSON.parse(payload.toString()) as Record<string, unknown>;
    if (typeof lookup === 'string') return { lookup };
    const isPort = typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= MAX_PORT;
    return typeof host === 'string' && isPort ? { host, port } : null;
  } catch {
    return null;
  }
}
