const DEFAULT_HOST = 'localhost';
const DEFAULT_PORT = 6379;

/** The parts that some deployments have instead of one URL. */
export interface RedisAddress {
  REDIS_HOST?: string | undefined;
  REDIS_PORT?: number | undefined;
  REDIS_PASSWORD?: string | undefined;
}

/** The URL that host, port and password mean; undefined where none of them is set. */
export function redisUrlOf({ REDIS_HOST, REDIS_PORT, REDIS_PASSWORD }: RedisAddress): string | undefined {
  if (REDIS_HOST === undefined && REDIS_PORT === undefined && REDIS_PASSWORD === undefined) return undefined;
  const host = REDIS_HOST ?? DEFAULT_HOST;
  const named = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const access = REDIS_PASSWORD === undefined ? '' : `:${encodeURIComponent(REDIS_PASSWORD)}@`;
  return `redis://${access}${named}:${REDIS_PORT ?? DEFAULT_PORT}`;
}

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

const ENCODED =
  'what is no letter or digit in user and password is percent-encoded (%2F for /, %23 for #, %25 for %)';
const EXPECTED = `must be redis://[user:password@]host[:port][/database]; ${ENCODED}`;

/** Of a password up to the last "@", as it comes where it is not percent-encoded. */
const SHAPE =
  /^(?<scheme>rediss?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^/?]*))?@)?(?<hosts>[^/?@]+)(?:\/(?<path>[^?]*))?$/;
const PORTS = { single: DEFAULT_PORT, cluster: DEFAULT_PORT, sentinel: 26_379 } as const;

/**
 * `redis://user:pass@host:6379/0`, `rediss://…`, `redis+sentinel://h1:26379,h2/primary/0`,
 * `redis+cluster://h1:6379,h2`. User and password are percent-decoded.
 * @throws {Error} saying which part cannot be read; with nothing of the URL in it: where a "/" in a password is not encoded, any part may be of it
 */
export function parseRedisUrl(url: string): RedisTarget {
  const parts = SHAPE.exec(url)?.groups;
  if (!parts) throw new Error(EXPECTED);
  const kind = (parts['kind'] ?? 'single') as RedisTarget['kind'];
  const nodes = (parts['hosts'] as string).split(',').map((node) => parseNode(node, PORTS[kind]));
  if (kind === 'single' && nodes.length > 1) {
    throw new Error('must name one host; of several, use redis+sentinel:// or redis+cluster://');
  }
  const segments = (parts['path'] ?? '').split('/').filter((segment) => segment !== '');
  const primary = kind === 'sentinel' ? segments.shift() : undefined;
  if (kind === 'sentinel' && !primary) {
    throw new Error('must name the primary: redis+sentinel://host:26379/mymaster');
  }
  return {
    kind,
    nodes,
    tls: parts['scheme'] === 'rediss',
    ...(parts['user'] ? { username: decoded(parts['user']) } : {}),
    ...(parts['password'] ? { password: decoded(parts['password']) } : {}),
    ...(primary ? { primary } : {}),
    db: parseDb(segments[0]),
  };
}

function parseNode(node: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d+))?$/.exec(node)?.groups;
  if (!match) throw new Error(EXPECTED);
  const port = match['port'] ? Number(match['port']) : defaultPort;
  if (port < 1 || port > 65_535) throw new Error('must have a port from 1 to 65535');
  return {
    host: (match['host'] as string).replace(/^\[|\]$/g, ''),
    port,
  };
}

function parseDb(segment: string | undefined): number {
  if (segment === undefined) return 0;
  if (!/^\d+$/.test(segment)) throw new Error(`must have a number as its database; ${ENCODED}`);
  return Number(segment);
}

/** As it is where a "%" encodes nothing: then none of it is encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Why a URL of Redis cannot be used; null: it can. */
export function redisUrlTrouble(url: string): string | null {
  try {
    parseRedisUrl(url);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
