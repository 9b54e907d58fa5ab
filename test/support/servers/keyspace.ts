import type { Redis } from 'ioredis';
import type { RedisClient } from '../../../src/redis/connections.js';

/** Every key of a single redis-server with everything in it, as one text. */
export async function everythingIn(client: RedisClient): Promise<string> {
  const redis = client as Redis;
  const parts: string[] = [];
  for await (const keys of redis.scanStream({ count: 1000 })) {
    for (const key of keys as string[]) parts.push(key, flat([await contentOf(redis, key)]));
  }
  return parts.join('\n');
}

/** What a key holds: a text, an object of the fields of a hash, or a list; of a stream the entries without their ids, of a sorted set the members alone. */
export async function contentOf(redis: RedisClient, key: string): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'none':
      return '';
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'list':
      return redis.lrange(key, 0, -1);
    case 'set':
      return redis.smembers(key);
    case 'zset':
      return redis.zrange(key, '0', '-1');
    case 'stream':
      return (await redis.xrange(key, '-', '+')).map(([, fields]) => fields);
    default:
      throw new Error(`${key} is of the type ${type}, which this reader does not support`);
  }
}

/** Not as JSON, which would escape what is to be searched for. */
const flat = (values: readonly unknown[]): string =>
  values
    .map((value) => {
      if (Array.isArray(value)) return flat(value);
      return typeof value === 'object' && value !== null ? flat(Object.entries(value)) : String(value);
    })
    .join('\n');
