import { within } from '../../lib/time-limit.js';
import { StillSearchingError } from '../../queue/job-finder.js';
import { isRedisAway, isTurnedAway, writeRefusalOf } from '../../redis/redis-errors.js';
import { ProblemException } from './problem.js';

/** For a request that failed before anything of it was written. */
export const NOT_ACCEPTED = 'Redis does not answer. Nothing was accepted; send it again later';

/** How long a request waits for an answer of Redis, and for a search through all that is queued. */
const REDIS_LIMIT_MS = 2_000;
const SEARCH_LIMIT_MS = 15_000;

/** 503 that says what the client can do. */
export const redisAway = (detail = 'Redis does not answer; try again'): ProblemException =>
  new ProblemException('unavailable', detail, { headers: { 'retry-after': '1' } });

/**
 * Bounds work on connections that wait for Redis without a limit: a client must get an answer.
 * The work itself is not undone. Errors of Redis count as Redis being away; problems pass through.
 * @throws {ProblemException} 503 after `limitMs` milliseconds.
 */
export async function withinRedisLimit<T>(
  work: Promise<T>,
  detail?: string,
  limitMs: number = REDIS_LIMIT_MS,
): Promise<T> {
  try {
    return await within(work, limitMs, () => {
      throw redisAway(detail);
    });
  } catch (error) {
    const refusal = error instanceof Error ? writeRefusalOf(error) : null;
    if (refusal) throw redisAway(`Redis refuses to write: ${refusal}. Send it again later`);
    if (isTurnedAway(error))
      throw redisAway(
        `Redis turns this process away: ${(error as Error).message}. Its operator has to change that`,
      );
    throw isRedisAway(error) ? redisAway(detail) : error;
  }
}

/**
 * As {@link withinRedisLimit}, for work that may search through the queue: each step of that fails by itself
 * when Redis is away.
 * @throws {ProblemException} 503, which says so where the search takes too long.
 */
export async function withinSearch<T>(work: Promise<T>, detail?: string): Promise<T> {
  try {
    return await withinRedisLimit(work, detail, SEARCH_LIMIT_MS);
  } catch (error) {
    throw error instanceof StillSearchingError ? redisAway(error.message) : error;
  }
}
