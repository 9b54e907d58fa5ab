import { describe, expect, it } from '@jest/globals';
import { useProducers } from '../support/producer.js';
import { useRedis } from '../support/servers/test-redis.js';
import { useStartCounter } from '../support/start-counter.js';
import { useWorkers } from '../support/processes/worker-process.js';
import { campaign, FAULTS } from './campaign.js';

// `npm run faults`; docs/faults.md says what it does and how to read its report.

const redis = useRedis({ persistent: true });
const counter = useStartCounter();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const HOURS_MS = 6 * 3_600_000;
const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);

describe('npm run faults', () => {
  it(
    'nothing is lost, doubled, or run more often than its result shows',
    async () => {
      const report = await campaign(
        {
          seed: number('FAULTS_SEED', Math.floor(Math.random() * 1e9)),
          executions: number('FAULTS_EXECUTIONS', 10_000),
          workers: number('FAULTS_WORKERS', 3),
          atOnce: 24,
          pauseMs: [2_000, 6_000],
          faults: FAULTS,
        },
        { redis, counter, startWorker, producer: makeProducer({ queueName: 'faults' }), queueName: 'faults' },
      );
      console.info(JSON.stringify(report, null, 2));
      expect(report).toMatchObject({
        lost: [],
        doubled: [],
        disagreeing: [],
        undeclared: [],
        orphans: [],
        keysForEver: [],
      });
    },
    HOURS_MS,
  );
});
