import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Ports that an entry opens: the two of the web, all, or one. */
type Ports = 'web' | 'any' | number;

/** Hosts by name: their addresses must be public, unless `leadsInside`. */
export interface HostEntry {
  kind: 'host';
  /** Lower case; null: every name, and every public address. */
  name: string | null;
  /** The names below `name`, not itself. */
  below: boolean;
  ports: Ports;
  /** Its addresses need not be public. */
  leadsInside: boolean;
}

/** Addresses, public or not. */
export interface RangeEntry {
  kind: 'range';
  range: [ipaddr.IPv4 | ipaddr.IPv6, number];
  ports: Ports;
}

export type AllowEntry = HostEntry | RangeEntry;

const INSIDE = '/private';
const WEB_PORTS: readonly number[] = [80, 443];
const MAX_PORT = 65_535;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const NAME_LIMIT = 253;

/** Whether this is a host name, and no address in whatever spelling. Lower case. */
export function isHostName(name: string): boolean {
  const labels = name.split('.');
  // What ends in a number is an IPv4 address to some programs: 127.1, 0x7f000001.
  const last = labels.at(-1) as string;
  return (
    name.length <= NAME_LIMIT &&
    labels.every((label) => LABEL.test(label)) &&
    !/^(\d+|0x[\da-f]*)$/.test(last)
  );
}

/**
 * Reads NETWORK_ALLOW: entries with commas between them, as docs/configuration.md has them.
 * @throws {Error} that names the entry and what is wrong with it.
 */
export function parseNetworkAllow(list: string): AllowEntry[] {
  const entries = list.split(',').map((entry) => entry.trim());
  return entries.filter((entry) => entry !== '').map(parseEntry);
}

export const allowsPort = (ports: Ports, port: number): boolean =>
  ports === 'any' || (ports === 'web' ? WEB_PORTS.includes(port) : ports === port);

/** One of the ports that these are. */
export const somePort = (ports: Ports): number =>
  typeof ports === 'number' ? ports : (WEB_PORTS[0] as number);

function parseEntry(entry: string): AllowEntry {
  const leadsInside = entry.endsWith(INSIDE);
  const [where, ports] = splitPort(leadsInside ? entry.slice(0, -INSIDE.length) : entry, entry);
  const range = rangeOf(where);
  if (range !== null) {
    if (leadsInside)
      throw new Error(`"${entry}": an address is reached whether it is private or not, without ${INSIDE}`);
    return { kind: 'range', range, ports };
  }
  const below = where.startsWith('*.');
  const name = where === '*' ? null : (below ? where.slice(2) : where).toLowerCase().replace(/\.$/, '');
  if (name !== null && !isHostName(name))
    throw new Error(`"${entry}" is no host name, address or range: ${EXAMPLES}`);
  if (name === null && leadsInside) throw new Error(`"${entry}": name the hosts that may lead inside`);
  return { kind: 'host', name, below, ports, leadsInside };
}

const EXAMPLES =
  'expected such as *, api.example.com, *.example.com:8443, 10.1.2.3, 10.1.0.0/16:8080, [fd00::1]:80';

/** `where:port`, `where:*`, `[IPv6]:port`; an IPv6 address without brackets has no port. */
function splitPort(text: string, entry: string): [string, Ports] {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}|\*))?$/.exec(text) ?? [];
  const where = bracketed ?? plain ?? text;
  if (port === undefined) return [where, 'web'];
  if (port === '*') return [where, 'any'];
  if (Number(port) < 1 || Number(port) > MAX_PORT) throw new Error(`"${entry}": ${port} is no port`);
  return [where, Number(port)];
}

function rangeOf(text: string): RangeEntry['range'] | null {
  const [address = '', bits] = text.split('/');
  if (isIP(address) === 0 || address.includes('%')) return null;
  try {
    const parsed = ipaddr.parse(address);
    return bits === undefined ? [parsed, parsed.kind() === 'ipv4' ? 32 : 128] : ipaddr.parseCIDR(text);
  } catch {
    return null;
  }
}
