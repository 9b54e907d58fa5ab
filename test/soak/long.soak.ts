import { describe, expect, it } from '@jest/globals';
import { useProducers } from '../support/producer.js';
import { isWithin, soak, type SoakPlan } from '../support/soak.js';
import { useRedis } from '../support/servers/test-redis.js';
import { useWorkers } from '../support/processes/worker-process.js';

// `npm run soak`: some minutes. What came of it is in docs/runners.md.

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const HOUR_MS = 3_600_000;
/** The compile cache, BullMQ and V8's own feedback may take this much more between the first part and the last. */
const HEAP_SLACK_MB = 5;

const THREADS = { RUNNER: 'thread', TRUSTED_CODE: 'true', RUNNER_THREADS: '2' };
const PLANS: SoakPlan[] = [
  {
    id: 'reused',
    env: { RUNNER_MAX_EXECUTIONS: '0', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', CONCURRENCY: '4' },
    executions: 10_000,
    kills: 200,
    atOnce: 24,
  },
  { id: 'single-use', env: { CONCURRENCY: '4' }, executions: 1_500, kills: 200, atOnce: 24 },
  {
    id: 'threads',
    env: {
      ...THREADS,
      RUNNER_MAX_EXECUTIONS: '0',
      RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
      CONCURRENCY: '4',
    },
    executions: 2_000,
    kills: 40,
    atOnce: 24,
  },
];

describe('npm run soak', () => {
  it.each(PLANS.map((plan) => [plan.id, plan] as const))(
    '%s: nothing is left of those that were ended by force, and the worker does not grow',
    async (_id, plan) => {
      const report = await soak(plan, makeProducer({ queueName: plan.id }), redis, startWorker);
      console.info(plan.id, JSON.stringify(report));
      expect(report.notOnce).toEqual([]);
      expect(Object.values(report.ends).reduce((sum, count) => sum + count, 0)).toBe(plan.executions);
      expect(isWithin(report.after, report.before) || report).toBe(true);
      const [, first, , , , last] = report.heapMb;
      expect(last).toBeLessThan((first ?? 0) + HEAP_SLACK_MB);
    },
    HOUR_MS,
  );

  it(
    '1,000 executions at RUNNER_MAX_EXECUTIONS=100 use ten runner processes',
    async () => {
      const plan = {
        id: 'hundred',
        env: { RUNNER_MAX_EXECUTIONS: '100', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', CONCURRENCY: '1' },
        executions: 1_000,
        kills: 0,
        atOnce: 20,
      };
      const report = await soak(plan, makeProducer({ queueName: plan.id }), redis, startWorker);
      console.info(plan.id, JSON.stringify(report));
      expect(report.ends).toEqual({ ok: 1_000 });
      expect(report.totals.used).toBe(10);
      const [, first, , , , last] = report.heapMb;
      expect(last).toBeLessThan((first ?? 0) + HEAP_SLACK_MB);
    },
    HOUR_MS,
  );
});
