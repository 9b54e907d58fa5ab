import { describe, expect, it } from '@jest/globals';
import { useProducers } from '../../support/producer.js';
import { isWithin, KILLS, soak } from '../../support/soak.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers } from '../../support/processes/worker-process.js';

// The short form of `npm run soak`.

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

describe('after many executions', () => {
  it('nothing is left of those that were ended by force', async () => {
    const plan = {
      id: 'soak',
      env: { RUNNER_MAX_EXECUTIONS: '0', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', CONCURRENCY: '3' },
      executions: 400,
      kills: KILLS.length,
      atOnce: 12,
    };
    const report = await soak(plan, makeProducer({ queueName: plan.id }), redis, startWorker);
    expect(report.notOnce).toEqual([]);
    expect(report.ends).toEqual({
      ok: 390,
      RUNNER_CRASHED: 2,
      USER_ERROR: 1,
      TIMED_OUT: 3,
      OUT_OF_MEMORY: 2,
      OUTPUT_LIMIT: 1,
      PROTOCOL_VIOLATION: 1,
    });
    expect(isWithin(report.after, report.before) || report).toBe(true);
  });
});
