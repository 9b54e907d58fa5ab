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
