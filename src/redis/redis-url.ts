/** Where Redis is, parsed from `REDIS_URL`. */
export interface RedisTarget {
  kind: 'single' | 'sentinel' | 'cluster';
  nodes: { host: string; port: number }[];
  tls: boolean;
  username?: string;
  password?: string;
  /** Sentinel only: name of the primary. */
  primary?: string;
  db: number;
}

const SHAPE =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?]+)(?:\/(?<path>[^?]*))?$/;
const DEFAULT_PORT = { single: 6379, cluster: 6379, sentinel: 26379 } as const;

/**
 * `redis://user:pass@host:6379/0`, `rediss://…`, `redis+sentinel://h1:26379,h2/primary/0`,
 * `redis+cluster://h1:6379,h2`. User and password are percent-decoded.
 * @throws {Error} saying which part cannot be read; never with the password in it.
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = SHAPE.exec(url)?.groups;
  if (!parts) throw new Error('REDIS_URL cannot be read: expected redis://[user:password@]host[:port][/db]');
  const kind = (parts['kind'] ?? 'single') as RedisTarget['kind'];
  const nodes = (parts['hosts'] as string).split(',').map((node) => parseNode(node, DEFAULT_PORT[kind]));
  if (kind === 'single' && nodes.length > 1) {
    throw new Error('REDIS_URL names several hosts: use redis+sentinel:// or redis+cluster://');
  }
  const segments = (parts['path'] ?? '').split('/').filter((segment) => segment !== '');
  const primary = kind === 'sentinel' ? segments.shift() : undefined;
  if (kind === 'sentinel' && !primary) {
    throw new Error('REDIS_URL lacks the name of the primary: redis+sentinel://host:26379/mymaster');
  }
  return {
    kind,
    nodes,
    tls: parts['scheme'] === 'rediss',
    ...(parts['user'] ? { username: decodeURIComponent(parts['user']) } : {}),
    ...(parts['password'] ? { password: decodeURIComponent(parts['password']) } : {}),
    ...(primary ? { primary } : {}),
    db: parseDb(segments[0]),
  };
}

function parseNode(node: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(node)?.groups;
  if (!match) throw new Error(`REDIS_URL cannot be read: "${node}" is not host:port`);
  return {
    host: (match['host'] as string).replace(/^\[|\]$/g, ''),
    port: match['port'] ? Number(match['port']) : defaultPort,
  };
}

function parseDb(segment: string | undefined): number {
  if (segment === undefined) return 0;
  if (!/^\d+$/.test(segment))
    throw new Error(`REDIS_URL cannot be read: database "${segment}" is not a number`);
  return Number(segment);
}
