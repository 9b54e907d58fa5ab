import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TTL_MS,
  workerRecordSchema,
} from '../../../src/contract/worker-record.js';
import { HeartbeatService, type LiveDetails } from '../../../src/heartbeat/heartbeat.service.js';
import { WorkerRegistry } from '../../../src/heartbeat/worker-registry.js';
import { WorkerStateHolder } from '../../../src/heartbeat/worker-state.js';
import { WorkerStatistics } from '../../../src/heartbeat/worker-statistics.js';
import { VERSION } from '../../../src/lib/version.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { workerSettings } from '../../../src/config/slices.js';

const redis = useRedis({ persistent: true });
let client: RedisClient;
let impatient: RedisClient;
let keys: RedisKeys;
let registry: WorkerRegistry;
const started: HeartbeatService[] = [];
const DAY_MS = 86_400_000;

/** From now on beats in turn do not come: what beats does so for a reason, however slow this machine is. */
function withoutBeatsInTurn(): void {
  const real = globalThis.setTimeout;
  jest
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((run: () => void, ms?: number) =>
      real(run, ms === HEARTBEAT_INTERVAL_MS ? DAY_MS : ms)) as typeof setTimeout);
}

beforeAll(async () => {
  Logger.overrideLogger(false);
  client = redis.connect();
  impatient = redis.connect('impatient');
  await until(() => impatient.status === 'ready', { what: 'the connection is ready' });
});
beforeEach(() => {
  // A prefix of its own for each test: the registry lists all workers of a prefix.
  keys = new RedisKeys(`${randomUUID()}:`);
  registry = new WorkerRegistry(client, keys);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(started.splice(0).map((heartbeat) => heartbeat.stop()));
});

const IDLE: LiveDetails = { running: 0, runners: [], package_set: null, workspace_generation: null };

const ended = (status: 'succeeded' | 'failed' | 'timed_out' | 'cancelled', duration_ms: number) => ({
  status,
  duration_ms,
  finished_at: `2026-03-01T10:00:0${Math.round(duration_ms) % 10}.000Z`,
});

function aWorker(id: string = `w-${randomUUID()}`) {
  const settings = settingsOf({ WORKER_ID: id, WORKER_TYPE: 'gpu', CONCURRENCY: '3' });
  const state = new WorkerStateHolder();
  const statistics = new WorkerStatistics(impatient, keys, workerSettings.of(settings));
  const heartbeat = new HeartbeatService(impatient, keys, workerSettings.of(settings), state, statistics);
  started.push(heartbeat);
  return { id, state, statistics, heartbeat };
}

const recordOf = async (id: string): Promise<unknown> =>
  JSON.parse((await client.get(keys.workerRecord(id)))!);
const statsOf = (id: string): Promise<Record<string, string>> => client.hgetall(keys.workerStats(id));
const stateOf = async (id: string): Promise<unknown> => ((await recordOf(id)) as { state: string }).state;

describe('the heartbeat', () => {
  it('writes what the contract names', async () => {
    const { id, heartbeat } = aWorker();
    const details: LiveDetails = {
      running: 1,
      runners: [
        {
          id: 'r1',
          kind: 'process',
          state: 'ACTIVE',
          pid: 42,
          executions: 1,
          memory_mb: null,
          current: [{ execution_id: 'e-1', started_at: '2026-03-01T10:00:00.000Z' }],
        },
      ],
      package_set: 'set-1',
      workspace_generation: 7,
    };
    await heartbeat.start(() => details);
    const beatAt = await client.get(keys.heartbeat(id));
    expect(new Date(beatAt!).toISOString()).toBe(beatAt);
    expect(await client.get(keys.workerType(id))).toBe('gpu');
    const record = workerRecordSchema.parse(await recordOf(id));
    expect(record).toEqual({
      id,
      type: 'gpu',
      state: 'STARTING',
      version: VERSION,
      host: hostname(),
      pid: process.pid,
      concurrency: 3,
      started_at: (await statsOf(id))['started_at'],
      heartbeat_at: beatAt,
      ...details,
    });
    expect(await client.zscore(keys.workers(), id)).toBe(String(Date.parse(beatAt!)));
  });

  it('is believed for 30 s', async () => {
    const { id, heartbeat } = aWorker();
    expect([heartbeat.ageMs, heartbeat.isFresh]).toEqual([null, false]);
    withoutBeatsInTurn();
    const beforeMs = performance.now();
    await heartbeat.start(() => IDLE);
    for (const key of [keys.heartbeat(id), keys.workerType(id), keys.workerRecord(id)]) {
      const ttl = await client.pttl(key);
      const leastMs = HEARTBEAT_TTL_MS - Math.ceil(performance.now() - beforeMs) - 1;
      expect([ttl >= leastMs, ttl <= HEARTBEAT_TTL_MS]).toEqual([true, true]);
    }
    expect(heartbeat.ageMs).toBeLessThanOrEqual(performance.now() - beforeMs);
    expect(heartbeat.isFresh).toBe(true);
  });

  it('beats again at once when the state changes while a beat is on its way', async () => {
    withoutBeatsInTurn();
    const { id, state, heartbeat } = aWorker();
    await heartbeat.start(() => {
      if (state.current === 'ACTIVE') queueMicrotask(() => state.enter('PAUSED'));
      return IDLE;
    });
    state.enter('ACTIVE');
    await until(async () => (await stateOf(id)) === 'PAUSED', {
      what: 'PAUSED is published',
    });
  });

  it('beats at once when the state changes', async () => {
    withoutBeatsInTurn();
    const { id, state, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    for (const next of ['ACTIVE', 'DRAINING'] as const) {
      state.enter(next);
      await until(async () => (await stateOf(id)) === next, {
        what: `${next} is published`,
      });
    }
  });

  it('beats at once when Redis is back', async () => {
    withoutBeatsInTurn();
    const { id, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    const before = await client.get(keys.heartbeat(id));
    await redis.stop();
    await redis.start();
    await until(async () => (await client.get(keys.heartbeat(id))) !== before, {
      what: 'a new beat',
    });
  });

  it('beats again soon when Redis did not take it', async () => {
    withoutBeatsInTurn();
    const { id, state, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    const refusals = async (): Promise<number> =>
      Number(/errorstat_OOM:count=(\d+)/.exec(await client.info('errorstats'))?.[1] ?? 0);
    await client.config('SET', 'maxmemory', '1');
    state.enter('ACTIVE');
    await until(async () => (await refusals()) > 0, { what: 'Redis refuses a beat' });
    expect(await stateOf(id)).toBe('STARTING');
    await client.config('SET', 'maxmemory', '0');
    await until(async () => (await stateOf(id)) === 'ACTIVE', {
      what: 'the next beat',
    });
  });

  it('says once that another worker has its id, but not of a former one that was killed', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    const { id, state, heartbeat } = aWorker();
    const other = { host: 'elsewhere', pid: 7, started_at: '2026-03-01T10:00:00.000Z' };
    const writeOther = (): Promise<unknown> => client.set(keys.workerRecord(id), JSON.stringify(other));
    await writeOther();
    await heartbeat.start(() => IDLE);
    state.enter('ACTIVE');
    await until(async () => (await stateOf(id)) === 'ACTIVE', { what: 'a second beat' });
    expect(warn).not.toHaveBeenCalled();
    await writeOther();
    heartbeat.touch();
    await until(() => warn.mock.calls.length > 0, { what: 'it says so' });
    await writeOther();
    state.enter('PAUSED');
    await until(async () => (await stateOf(id)) === 'PAUSED', { what: 'another beat' });
    expect(warn.mock.calls).toEqual([
      [expect.objectContaining({ msg: 'another worker has the same id', other })],
    ]);
  });

  it('leaves nothing that says it is there after a stop, and beats no more', async () => {
    const { id, state, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    state.enter('ACTIVE'); // a beat is under way
    await Promise.all([heartbeat.stop(), heartbeat.stop()]);
    state.enter('DRAINING');
    await impatient.ping();
    const signs = [keys.heartbeat(id), keys.workerType(id), keys.workerRecord(id)];
    expect(await client.exists(...signs)).toBe(0);
    expect(await client.zscore(keys.workers(), id)).toBeNull();
  });

  it('may be stopped before it was started', async () => {
    await expect(aWorker().heartbeat.stop()).resolves.toBeUndefined();
  });
});

describe('the statistics', () => {
  it('count by the status and add up durations', async () => {
    const { id, statistics, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    for (const status of ['succeeded', 'succeeded', 'failed', 'timed_out', 'cancelled'] as const) {
      statistics.record(ended(status, 1.6));
    }
    await until(async () => (await statsOf(id))['cancelled'], { what: 'a flush' });
    expect(await statsOf(id)).toEqual({
      started_at: expect.stringMatching(/^\d{4}-.*Z$/),
      completed: '2',
      failed: '1',
      timed_out: '1',
      cancelled: '1',
      total_duration_ms: '10',
      last_execution_at: '2026-03-01T10:00:02.000Z',
    });
  });

  it('are written at a stop, stay, and go on with the next start', async () => {
    const { id, statistics, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    statistics.record(ended('succeeded', 1));
    await heartbeat.stop();
    expect(await statsOf(id)).toMatchObject({ completed: '1' });
    const again = aWorker(id);
    await again.heartbeat.start(() => IDLE);
    again.statistics.record(ended('succeeded', 3));
    await again.heartbeat.stop();
    expect(await statsOf(id)).toMatchObject({ completed: '2', total_duration_ms: '4' });
  });

  it('do not stay in Redis for ever, even if nothing was executed', async () => {
    const { id, heartbeat } = aWorker();
    await heartbeat.start(() => IDLE);
    expect(await client.ttl(keys.workerStats(id))).toBeGreaterThan(600_000);
  });

  it('wait while Redis is away and are counted once', async () => {
    const { id, statistics } = aWorker();
    await redis.stop();
    statistics.record(ended('succeeded', 1));
    await statistics.stop();
    await redis.start();
    await until(() => impatient.status === 'ready', { what: 'the connection is back' });
    await statistics.stop();
    await statistics.stop();
    expect(await statsOf(id)).toMatchObject({ completed: '1', total_duration_ms: '1' });
  });
});

describe('the registry', () => {
  it('lists the living by id', async () => {
    const workers = ['w-c', 'w-a', 'w-b'].map((id) => aWorker(id));
    expect(await registry.list()).toEqual([]);
    for (const { heartbeat } of workers) await heartbeat.start(() => IDLE);
    expect((await registry.list()).map(({ id }) => id)).toEqual(['w-a', 'w-b', 'w-c']);
    await workers[1]!.heartbeat.stop();
    expect((await registry.list()).map(({ id }) => id)).toEqual(['w-b', 'w-c']);
  });

  it('counts what each worker has ended', async () => {
    const { id, statistics, heartbeat } = aWorker('w-a');
    const idle = aWorker('w-b');
    await heartbeat.start(() => ({ ...IDLE, running: 2 }));
    await idle.heartbeat.start(() => IDLE);
    for (const status of ['succeeded', 'succeeded', 'failed', 'timed_out'] as const)
      statistics.record(ended(status, 1));
    await until(async () => (await statsOf(id))['timed_out'], { what: 'a flush' });
    expect(await registry.listWithCounts()).toMatchObject([
      { id: 'w-a', running: 2, completed: 2, failed: 1, timed_out: 1, cancelled: 0 },
      { id: 'w-b', running: 0, completed: 0, failed: 0, timed_out: 0, cancelled: 0 },
    ]);
  });

  it('lists no worker whose record has expired, and forgets it', async () => {
    const { heartbeat } = aWorker('alive');
    await heartbeat.start(() => IDLE);
    await client.zadd(
      keys.workers(),
      Date.now() - HEARTBEAT_TTL_MS - 1,
      'long-dead',
      Date.now(),
      'just-dead',
    );
    expect((await registry.list()).map(({ id }) => id)).toEqual(['alive']);
    expect(await client.zscore(keys.workers(), 'long-dead')).toBeNull();
  });
});
