import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import {
  LEASE_GRACE_MS,
  LEASE_RENEW_MS,
  LEASE_TTL_MS,
  WorkerLease,
} from '../../../src/results/worker-lease.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { resultSettings } from '../../../src/config/slices.js';

const redis = useRedis({ persistent: true });
const keys = new RedisKeys('');
const GONE = 'w#gone';
let client: RedisClient;
let lease: WorkerLease;

/** Lets the renewals of this many milliseconds happen, and their answers arrive. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= LEASE_RENEW_MS) {
    jest.advanceTimersByTime(Math.min(left, LEASE_RENEW_MS));
    // Commands of one connection are answered in order: the renewal before this.
    await client.ping().catch(() => undefined);
  }
}

/** Time goes on in Redis; here it is faked. */
async function redisClockMs(): Promise<number> {
  const [seconds, microseconds] = await client.time();
  return Number(seconds) * 1_000 + Number(microseconds) / 1_000;
}

beforeEach(async () => {
  client = redis.connect('impatient');
  await until(() => client.status === 'ready', { what: 'the connection is ready' });
  lease = new WorkerLease(client, keys, resultSettings.of(settingsOf()));
  // Only what the lease measures and waits by; Redis connections go on in real time.
  jest.useFakeTimers({
    doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'clearImmediate', 'setTimeout', 'clearTimeout'],
  });
});

afterEach(async () => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  await lease.stop();
  client.disconnect();
});

describe('a lease', () => {
  it('is there from the start on, for its time, and gone with a clean stop', async () => {
    const key = keys.lease(lease.owner);
    expect(await client.exists(key)).toBe(0);
    const beforeMs = await redisClockMs();
    await lease.start();
    const ttl = await client.pttl(key);
    const leastMs = LEASE_TTL_MS - ((await redisClockMs()) - beforeMs) - 1;
    expect([ttl >= leastMs, ttl <= LEASE_TTL_MS]).toEqual([true, true]);
    await lease.stop();
    expect(await client.exists(key)).toBe(0);
  });

  it('is renewed before it ends', async () => {
    const key = keys.lease(lease.owner);
    await lease.start();
    await client.pexpire(key, 1_000);
    await pass(LEASE_RENEW_MS);
    // More than it was given: it was renewed.
    expect(await client.pttl(key)).toBeGreaterThan(1_000);
    expect(LEASE_TTL_MS).toBeGreaterThan(3 * LEASE_RENEW_MS);
  });

  it('shows once that Redis has lost its data', async () => {
    const errors: unknown[] = [];
    jest.spyOn(Logger.prototype, 'error').mockImplementation((line: unknown) => void errors.push(line));
    await lease.start();
    await pass(2 * LEASE_RENEW_MS);
    expect(errors).toEqual([]);
    await client.flushall();
    await pass(4 * LEASE_RENEW_MS);
    expect(errors).toEqual([
      {
        msg: expect.stringContaining('Redis has lost its data'),
        consequence: expect.stringContaining('jobs that waited are gone'),
      },
    ]);
  });

  it('is not renewed after the stop', async () => {
    await lease.start();
    await lease.stop();
    await pass(2 * LEASE_RENEW_MS);
    expect(await client.exists(keys.lease(lease.owner))).toBe(0);
    await lease.stop();
  });

  it('belongs to one start of a worker, not to its id', () => {
    const settings = settingsOf();
    const owners = [1, 2].map(() => new WorkerLease(client, keys, resultSettings.of(settings)).owner);
    expect(new Set(owners).size).toBe(2);
    expect(owners[0]).toContain(settings.WORKER_ID);
  });
});

describe('whether another worker is dead', () => {
  it('is never said of a worker whose lease is there', async () => {
    const other = new WorkerLease(client, keys, resultSettings.of(settingsOf()));
    await other.start();
    await lease.start();
    await pass(4 * LEASE_GRACE_MS);
    expect(await lease.isDead(other.owner)).toBe(false);
    await other.stop();
    expect(await lease.isDead(other.owner)).toBe(true);
  });

  it('cannot be said before the grace is over', async () => {
    expect(await lease.isDead(GONE)).toBe(false);
    await lease.start();
    expect(await lease.isDead(GONE)).toBe(false);
    await pass(LEASE_GRACE_MS - 1);
    expect(await lease.isDead(GONE)).toBe(false);
    await pass(1);
    expect(await lease.isDead(GONE)).toBe(true);
  });

  it('cannot be said for a while after Redis was away for every worker', async () => {
    await lease.start();
    await pass(LEASE_GRACE_MS);
    expect(await lease.isDead(GONE)).toBe(true);
    await redis.stop();
    await pass(LEASE_TTL_MS);
    await expect(lease.isDead(GONE)).rejects.toThrow();
    await redis.start();
    // It renews by itself when the connection is back, not only at the next turn of its timer.
    await until(
      async () => client.status === 'ready' && (await client.exists(keys.lease(lease.owner))) === 1,
      { what: 'the lease is renewed' },
    );
    expect(await lease.isDead(GONE)).toBe(false);
    await pass(LEASE_GRACE_MS - 1);
    expect(await lease.isDead(GONE)).toBe(false);
    await pass(1);
    expect(await lease.isDead(GONE)).toBe(true);
  });

  it('cannot be said by a worker that was frozen', async () => {
    await lease.start();
    await pass(LEASE_GRACE_MS);
    expect(await lease.isDead(GONE)).toBe(true);
    const thawedAt = performance.now() + LEASE_TTL_MS;
    const clock = jest.spyOn(performance, 'now').mockReturnValue(thawedAt);
    expect(await lease.isDead(GONE)).toBe(false);
    clock.mockRestore();
  });
});
