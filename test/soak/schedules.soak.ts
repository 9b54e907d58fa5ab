import { expect, it } from '@jest/globals';
import { scheduleFaults } from '../support/schedule-faults.js';
import { useRedis } from '../support/servers/test-redis.js';
import { useWorkers } from '../support/processes/worker-process.js';

// `npm run soak:schedules`: five minutes of ticks, and what the faults take.

const TICKS = 60;
const redis = useRedis({ persistent: true });
const startWorker = useWorkers();

it(
  'every tick of four schedules has exactly one result, over the death of all workers, a restart of Redis and a frozen worker',
  async () => {
    const report = await scheduleFaults({ ticks: TICKS, killsAll: true, freezes: true }, redis, startWorker);
    console.info(JSON.stringify(report));
    expect(report).toMatchObject({ notOnce: [], failed: [], holes: [] });
    expect(report.ticks).toBeGreaterThanOrEqual(5 * 4 * TICKS);
  },
  30 * 60_000,
);
