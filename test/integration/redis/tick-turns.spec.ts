import { beforeAll, describe, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { resultSettings } from '../../../src/config/slices.js';
import { tickExecutionId, type TickPolicy } from '../../../src/contract/jobs/schedule.js';
import { jobIdOf } from '../../../src/contract/jobs/job-id.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { decideTick, type TickState } from '../../../src/worker/ticks/tick-decision.js';
import { TickTurns } from '../../../src/worker/ticks/tick-turns.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const keys = new RedisKeys('');
let client: RedisClient;
let queue: Queue;
let workers: TickTurns[];

beforeAll(() => {
  client = redis.connect();
  queue = new Queue('turns', { connection: redis.connect() });
  queue.on('error', () => undefined);
  redis.onDispose(() => queue.close());
  const settings = resultSettings.of(settingsOf());
  workers = [0, 1, 2].map(() => new TickTurns(redis.connect(), queue, keys, settings));
});

const jobOf = (schedule: string, dueMs: number): string => jobIdOf(tickExecutionId({ schedule, dueMs }));
const add = (schedule: string, dueMs: number) => queue.add('task', {}, { jobId: jobOf(schedule, dueMs) });

async function decide(
  schedule: string,
  dueMs: number,
  overlap: TickPolicy['overlap'],
  worker: TickTurns | undefined = workers[0],
): Promise<TickState['state']> {
  const tick = { dueMs, nextDueMs: null, endMs: null, isExtra: true, isRepeated: false };
  const decision = await worker!.decide({ schedule, dueMs }, (standing, others) =>
    decideTick(tick, { overlap, missed: 'one' }, standing, others, 1_000),
  );
  return decision.tick.state;
}

describe('the ticks of a schedule', () => {
  it('get one turn between all workers that decide at once', async () => {
    const times = Array.from({ length: 12 }, (_, n) => n);
    await Promise.all(times.map((due) => add('one', due)));
    const states = await Promise.all(
      times.map((due) => decide('one', due, 'skip', workers[due % workers.length])),
    );
    expect(states.filter((state) => state === 'run')).toHaveLength(1);
    expect(states.filter((state) => state === 'skip')).toHaveLength(11);
    // And what was decided stands, whichever worker asks again.
    const again = await Promise.all(times.map((due) => decide('one', due, 'skip', workers[(due + 1) % 3])));
    expect(again).toEqual(states);
  });

  it('follow one another as results come', async () => {
    for (const due of [1, 2, 3]) await add('queue', due);
    expect(await decide('queue', 1, 'queue')).toBe('run');
    expect(await decide('queue', 3, 'queue')).toBe('wait');
    expect(await decide('queue', 2, 'queue')).toBe('wait');
    await client.set(keys.result(tickExecutionId({ schedule: 'queue', dueMs: 1 })), '{}');
    expect(await decide('queue', 3, 'queue')).toBe('wait');
    expect(await decide('queue', 2, 'queue')).toBe('run');
  });

  it('are not held up by one whose job was removed', async () => {
    for (const due of [1, 2]) await add('removed', due);
    expect(await decide('removed', 1, 'queue')).toBe('run');
    expect(await decide('removed', 2, 'queue')).toBe('wait');
    await queue.remove(jobOf('removed', 1));
    expect(await decide('removed', 2, 'queue')).toBe('run');
    expect(await client.hgetall(keys.scheduleTurns('removed'))).toEqual({
      version: expect.any(String),
      2: expect.stringContaining('"run"'),
    });
    expect(await client.ttl(keys.scheduleTurns('removed'))).toBeGreaterThan(0);
  });
});
