import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * What an address is to code that must not get inside: `public` belongs to the internet at large, `private`
 * to this machine or its network, and `never` is what no setting opens: link-local with the metadata services
 * of clouds, multicast, and no address at all.
 */
export type AddressClass = 'public' | 'private' | 'never';

/** Metadata and host services of clouds at addresses that are not link-local. */
const CLOUD_SERVICES = ['100.100.100.200', '168.63.129.16', '192.0.0.192', 'fd00:ec2::254', 'fd20:ce::254'];
const NEVER = new Set(['unspecified', 'multicast', 'broadcast', 'linkLocal']);
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');
/** Addresses that a translator turns into the IPv4 address at their end: what they are, that is. */
const TRANSLATED = ['::ffff:0:0/96', '64:ff9b::/96'].map((range) => ipaddr.IPv6.parseCIDR(range));
/** Others that carry an IPv4 address, by the index of its first byte; never public. */
const CARRIERS = [
  { range: '2002::/16', at: 2 },
  { range: '::/96', at: 12 },
  { range: '::ffff:0:0:0/96', at: 12 },
  { range: '64:ff9b:1::/48', at: 12 },
].map(({ range, at }) => ({ range: ipaddr.IPv6.parseCIDR(range), at }));
const IPV4_BYTES = 4;

/** The address that is reached in the end, in one spelling. @throws {Error} when it is none. */
export function reachedAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 {
  if (isIP(address) === 0 || address.includes('%')) throw new Error(`${address} is no IP address`);
  const parsed = ipaddr.parse(address);
  if (!isV6(parsed)) return parsed;
  return TRANSLATED.some((range) => parsed.match(range)) ? embedded(parsed, 12) : parsed;
}

/** What an address is; `never` when it is none. */
export function classOf(address: string): AddressClass {
  try {
    return classOfReached(reachedAddress(address));
  } catch {
    return 'never';
  }
}

/** The address that is reached in the end, so that two spellings can be compared. @throws {Error} when it is none. */
export const canonicalAddress = (address: string): string => reachedAddress(address).toString();

function classOfReached(address: ipaddr.IPv4 | ipaddr.IPv6): AddressClass {
  if (CLOUD.has(address.toString()) || NEVER.has(address.range())) return 'never';
  if (!isV6(address)) return address.range() === 'unicast' ? 'public' : 'private';
  const carrier = CARRIERS.find(({ range }) => address.match(range));
  if (carrier && !isLoopback(address))
    return classOfReached(embedded(address, carrier.at)) === 'never' ? 'never' : 'private';
  return address.range() === 'unicast' && address.match(GLOBAL_UNICAST) ? 'public' : 'private';
}

const CLOUD = new Set(CLOUD_SERVICES.map((address) => ipaddr.parse(address).toString()));
const isV6 = (address: ipaddr.IPv4 | ipaddr.IPv6): address is ipaddr.IPv6 => address.kind() === 'ipv6';
const isLoopback = (address: ipaddr.IPv6): boolean => address.range() === 'loopback';
const embedded = (address: ipaddr.IPv6, at: number): ipaddr.IPv4 =>
  new ipaddr.IPv4(address.toByteArray().slice(at, at + IPV4_BYTES));
