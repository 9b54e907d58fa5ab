import type { RedisClient } from './connections.js';

/** Whether Redis says of a key that it holds something else than what it was asked for, such as a hash in the place of text. */
export const isWrongType = (error: unknown): boolean =>
  error instanceof Error && /\bWRONGTYPE\b/.test(error.message);

/**
 * The text under a key that other programs write; null: it is not there, or is no text. Redis would refuse the latter, and what reads
 * many keys, or reads one again until it can, would fail because of what another program has put into one of them.
 */
export async function textUnder(redis: Pick<RedisClient, 'get'>, key: string): Promise<string | null> {
  try {
    return await redis.get(key);
  } catch (error) {
    if (isWrongType(error)) return null;
    throw error;
  }
}
