import { type NetworkTarget, shownTarget } from '../../boundary/network-protocol.js';
import {
  type AllowEntry,
  allowsPort,
  type HostEntry,
  isHostName,
  somePort,
} from '../../config/network-allow.js';
import { type AddressClass, canonicalAddress, classOf, reachedAddress } from './address-class.js';
import { isIP } from 'node:net';
import type { NetworkRefusalReason } from '../../telemetry/measurements.js';

/** The worker will not connect there; the message is for the user's code and reveals nothing of the network inside. */
export class NetworkRefusal extends Error {
  override name = 'NetworkRefusal';

  constructor(
    readonly reason: NetworkRefusalReason,
    message: string,
    /** What the name leads to; for the worker's log only. */
    readonly addresses: readonly string[] = [],
  ) {
    super(message);
  }
}

/** A target as the rules name it: lower case, without brackets and the root's dot. @throws {NetworkRefusal} */
export function plainTarget({ host, port }: NetworkTarget): NetworkTarget {
  const plain = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
  if (isIP(plain) !== 0 ? plain.includes('%') : !isHostName(plain))
    throw new NetworkRefusal(
      'malformed',
      `${JSON.stringify(host.slice(0, 100))} is refused: it is no host name`,
    );
  return { host: plain, port };
}

const WORKERS_LIST = 'NETWORK_ALLOW of the worker';

/** Whether the addresses of a name may be asked for. @param list as messages name it. @throws {NetworkRefusal} */
export function checkName(rules: readonly AllowEntry[], host: string, list = WORKERS_LIST): void {
  if (rules.some((rule) => namesHost(rule, host))) return;
  throw new NetworkRefusal('host', `${host} is refused: it is not in ${list}`);
}

/** Whether a host or address of this name is to be looked for at all. @param list as messages name it. @throws {NetworkRefusal} */
export function checkHost(rules: readonly AllowEntry[], target: NetworkTarget, list = WORKERS_LIST): void {
  const { host, port } = target;
  const known = rules.filter((rule) =>
    isIP(host) === 0 ? namesHost(rule, host) : coversAddress(rule, host),
  );
  if (known.length === 0)
    throw new NetworkRefusal('host', `${shownTarget(target)} is refused: ${host} is not in ${list}`);
  if (!known.some(({ ports }) => allowsPort(ports, port)))
    throw new NetworkRefusal(
      'port',
      `${shownTarget(target)} is refused: ${list} has ${host}, but not port ${port}`,
    );
}

/**
 * Whether code of an organization with rules of its own may look for, or connect to, a target. An address that the code
 * has by a name counts as that.
 * @param rules null: it has none
 * @throws {NetworkRefusal}
 */
export function checkNarrowed(
  rules: readonly AllowEntry[] | null,
  asked: NetworkTarget,
  names: ReadonlyMap<string, string>,
): void {
  if (rules === null) return;
  const target = plainTarget(asked);
  const isLookup = target.port === 0;
  if (isLookup && isIP(target.host) !== 0) return;
  if (isLookup) return checkName(rules, target.host, ORGANIZATIONS_LIST);
  checkHost(rules, { ...target, host: names.get(target.host) ?? target.host }, ORGANIZATIONS_LIST);
}

const ORGANIZATIONS_LIST = 'what its organization may reach';

/**
 * Of the addresses of a host that passed {@link checkHost} those that may be connected to.
 * @param own those of this machine, which are inside even where they are public
 * @throws {NetworkRefusal} when none is left.
 */
export function openAddresses(
  rules: readonly AllowEntry[],
  target: NetworkTarget,
  addresses: readonly string[],
  own: ReadonlySet<string>,
): string[] {
  const { host, port } = target;
  const here = rules.filter(({ ports }) => allowsPort(ports, port));
  const inside = here.some((rule) => rule.kind === 'host' && rule.leadsInside && namesHost(rule, host));
  const open = addresses.filter((address) => {
    const asked = classOf(address);
    const found = asked === 'public' && own.has(canonicalAddress(address)) ? 'private' : asked;
    return isOpen(
      found,
      inside || here.some((rule) => rule.kind === 'range' && coversAddress(rule, address)),
    );
  });
  if (open.length > 0) return open;
  throw new NetworkRefusal(
    'address',
    `${shownTarget(target)} is refused: ${
      addresses.every((address) => classOf(address) === 'never')
        ? 'it leads to an address that no NETWORK_ALLOW opens, such as link-local and metadata addresses'
        : 'it leads to an address that is not public and that NETWORK_ALLOW of the worker does not open'
    }`,
    addresses,
  );
}

/**
 * Of the addresses of a name those that code may know: the ones that it may connect to, on any port.
 * @param own those of this machine
 * @throws {NetworkRefusal} when none is left.
 */
export function knowableAddresses(
  rules: readonly AllowEntry[],
  host: string,
  addresses: readonly string[],
  own: ReadonlySet<string>,
): string[] {
  const ports = new Set(rules.map((rule) => somePort(rule.ports)));
  const known = new Set<string>();
  let failure: unknown;
  for (const port of ports) {
    try {
      checkHost(rules, { host, port });
      for (const address of openAddresses(rules, { host, port }, addresses, own)) known.add(address);
    } catch (error) {
      failure = error;
    }
  }
  if (known.size > 0) return addresses.filter((address) => known.has(address));
  throw failure;
}

function isOpen(found: AddressClass, inside: boolean): boolean {
  switch (found) {
    case 'public':
      return true;
    case 'private':
      return inside;
    case 'never':
      return false;
  }
}

const namesHost = (rule: AllowEntry, host: string): boolean =>
  rule.kind === 'host' && matchesName(rule, host);

const matchesName = ({ name, below }: HostEntry, host: string): boolean =>
  name === null || (below ? host.endsWith(`.${name}`) : host === name);

/** An address is named by a range, or as one of all that are public. */
function coversAddress(rule: AllowEntry, address: string): boolean {
  if (rule.kind === 'host') return rule.name === null;
  const reached = reachedAddress(address);
  const [first, bits] = rule.range;
  return reached.kind() === first.kind() && reached.match(first, bits);
}
