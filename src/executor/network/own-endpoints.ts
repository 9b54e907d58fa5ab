import { networkInterfaces } from 'node:os';
import type { RunnerSettings } from '../../config/slices.js';
import type { NetworkTarget } from '../../boundary/network-protocol.js';
import { ownPorts } from '../../lib/own-ports.js';
import { parseRedisUrl } from '../../config/redis-address.js';
import { redisPeers } from '../../redis/redis-peers.js';
import { canonicalAddress, classOf } from './address-class.js';
import type { NameLookup } from './name-lookup.js';

const POSTGRES_PORT = 5432;
const REDIS_PORT = 6379;

/**
 * Where Redis and the database of the worker are. On ports of theirs nothing inside is reached at all: a
 * server has more addresses than its name, and a group more servers than its URL.
 */
export function storesOf({
  redisUrl,
  databaseUrl,
}: Pick<RunnerSettings, 'redisUrl' | 'databaseUrl'>): NetworkTarget[] {
  const redis = redisUrl === undefined ? null : parseRedisUrl(redisUrl);
  // Sentinels name the primary.
  const primary =
    redis?.kind === 'sentinel' ? redis.nodes.map(({ host }) => ({ host, port: REDIS_PORT })) : [];
  return [
    ...(redis?.nodes ?? []),
    ...primary,
    ...(databaseUrl === undefined ? [] : databaseNodes(databaseUrl)),
  ];
}

/** Not by the URL class: libpq has lists of hosts. */
function databaseNodes(url: string): NetworkTarget[] {
  const hosts = /^\w+:\/\/(?:[^@/]*@)?([^/?]*)/.exec(url)?.[1] ?? '';
  return hosts.split(',').flatMap((node) => {
    const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(node) ?? [];
    const host = bracketed ?? plain;
    return host === undefined ? [] : [{ host: host.toLowerCase(), port: Number(port ?? POSTGRES_PORT) }];
  });
}

/** Addresses of this machine. */
export const ownAddresses = (): Set<string> =>
  new Set(Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)));

/** Whether the worker's own API, its Redis or its database is there, which user code may never reach. */
export async function isOwnEndpoint(
  stores: readonly NetworkTarget[],
  { host, port }: NetworkTarget,
  own: ReadonlySet<string>,
  lookup: NameLookup,
): Promise<boolean> {
  const address = canonicalAddress(host);
  const here = own.has(address) || isLoopback(address);
  if (here && ownPorts.has(port)) return true;
  if (redisPeers.has(`${address}:${port}`)) return true;
  const sharing = stores.filter((store) => store.port === port);
  if (sharing.length === 0) return false;
  if (here || classOf(address) !== 'public') return true;
  const addresses = await Promise.all(sharing.map((store) => lookup.addressesOf(store.host).catch(() => [])));
  return addresses.flat().some((each) => canonicalAddress(each) === address);
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';
