import type { Redis } from 'ioredis';
import type { RedisClient } from '../../../src/redis/connections.js';

/** Every key of a single redis-server with everything in it, as one text. */
export async function everythingIn(client: RedisClient): Promise<string> {
  const redis = client as Redis;
  const parts: string[] = [];
  for await (const keys of redis.scanStream({ count: 1000 })) {
    for (const key of keys as string[]) parts.push(key, await contentOf(redis, key));
  }
  return parts.join('\n');
}

async function contentOf(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key);
  switch (type) {
    case 'none':
      return '';
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return flat(Object.entries(await redis.hgetall(key)));
    case 'list':
      return flat(await redis.lrange(key, 0, -1));
    case 'set':
      return flat(await redis.smembers(key));
    case 'zset':
      return flat(await redis.zrange(key, '0', '-1'));
    case 'stream':
      return flat(await redis.xrange(key, '-', '+'));
    default:
      throw new Error(`${key} is of the type ${type}, which this reader does not support`);
  }
}

/** Not as JSON, which would escape what is to be searched for. */
const flat = (values: readonly unknown[]): string =>
  values.map((value) => (Array.isArray(value) ? flat(value) : String(value))).join('\n');
