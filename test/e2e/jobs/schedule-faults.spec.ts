import { expect, it } from '@jest/globals';
import { scheduleFaults } from '../../support/schedule-faults.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const TICKS = 3;
const redis = useRedis({ persistent: true });
const startWorker = useWorkers();

// `npm run soak:schedules` does the same for longer.
it('every tick of four schedules has exactly one result, over the death of a worker and a restart of Redis', async () => {
  const report = await scheduleFaults({ ticks: TICKS }, redis, startWorker);
  expect(report).toMatchObject({ notOnce: [], failed: [], holes: [] });
  expect(report.ticks).toBeGreaterThanOrEqual(3 * 4 * TICKS);
}, 900_000);
