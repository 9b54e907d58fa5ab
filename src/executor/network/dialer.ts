import { connect, isIP, type Socket } from 'node:net';
import type { AllowEntry } from '../../config/network-allow.js';
import { type NetworkTarget, shownTarget } from '../../boundary/network-protocol.js';
import type { NameLookup } from './name-lookup.js';
import {
  checkHost,
  checkName,
  knowableAddresses,
  NetworkRefusal,
  openAddresses,
  plainTarget,
} from './network-rules.js';
import { isOwnEndpoint, ownAddresses } from './own-endpoints.js';

const CONNECT_TIMEOUT_MS = 10_000;
/** Of a name with more addresses the others are not tried. */
const MAX_ADDRESSES = 4;

/** Where connections may lead. */
export interface DialRules {
  allow: readonly AllowEntry[];
  /** Redis and the database of the worker. */
  stores: readonly NetworkTarget[];
}

/**
 * Connects for code that has no network of its own. A name is looked up here, once, and the connection goes
 * to an address that was checked: what the name means a moment later no longer matters. Where a server
 * redirects to is another connection, which is checked like the first.
 */
export class Dialer {
  constructor(
    private readonly rules: DialRules,
    private readonly lookup: NameLookup,
  ) {}

  /**
   * @param signal ends the attempt
   * @param nameOf the name for which {@link addresses} gave an address to the same code: an address that no
   *   rule names is reached as that
   * @throws {NetworkRefusal} when the rules forbid it, otherwise what the name service or the system says.
   */
  async dial(
    asked: NetworkTarget,
    signal: AbortSignal,
    nameOf: (address: string) => string | undefined = () => undefined,
  ): Promise<Socket> {
    const target = plainTarget(asked);
    const name = isIP(target.host) === 0 ? undefined : nameOf(target.host);
    const addresses =
      name === undefined || this.isNamed(target)
        ? await this.permitted(target)
        : await this.permitted({ ...target, host: name }, [target.host]);
    let failure: unknown;
    for (const address of addresses.slice(0, MAX_ADDRESSES)) {
      if (signal.aborted) break;
      try {
        return await connectTo({ host: address, port: target.port }, signal);
      } catch (error) {
        failure = error;
      }
    }
    throw failure ?? new Error('the connection attempt was aborted');
  }

  /**
   * The addresses of a name that code may know; of an address itself.
   * @throws {NetworkRefusal} when the rules forbid it, {NameError} when there are none
   */
  async addresses(asked: string): Promise<string[]> {
    const { host } = plainTarget({ host: asked, port: 0 });
    if (isIP(host) !== 0) return [host];
    checkName(this.rules.allow, host);
    const found = await this.lookup.addressesOf(host);
    return knowableAddresses(this.rules.allow, host, found, ownAddresses());
  }

  private isNamed(target: NetworkTarget): boolean {
    try {
      checkHost(this.rules.allow, target);
      return true;
    } catch {
      return false;
    }
  }

  private async permitted(target: NetworkTarget, addresses?: string[]): Promise<string[]> {
    checkHost(this.rules.allow, target);
    const own = ownAddresses();
    const found = addresses ?? (await this.lookup.addressesOf(target.host));
    const open = openAddresses(this.rules.allow, target, found, own);
    const { stores } = this.rules;
    const mine = await Promise.all(
      open.map((host) => isOwnEndpoint(stores, { host, port: target.port }, own, this.lookup)),
    );
    const others = open.filter((_, index) => !mine[index]);
    if (others.length > 0) return others;
    const message = `${shownTarget(target)} is refused: it belongs to the worker itself, whatever NETWORK_ALLOW says`;
    throw new NetworkRefusal('own', message, open);
  }
}

function connectTo(target: NetworkTarget, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      ...target,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      autoSelectFamily: false,
    });
    const end = (): void => void socket.destroy(new Error('the connection attempt was aborted'));
    const late = setTimeout(() => {
      socket.destroy(
        Object.assign(new Error(`no answer within ${CONNECT_TIMEOUT_MS} ms`), { code: 'ETIMEDOUT' }),
      );
    }, CONNECT_TIMEOUT_MS);
    const settle = (): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', end);
    };
    signal.addEventListener('abort', end, { once: true });
    socket.once('connect', () => (settle(), socket.removeAllListeners('error'), resolve(socket)));
    socket.once('error', (error) => (settle(), reject(error)));
    if (signal.aborted) end();
  });
}
