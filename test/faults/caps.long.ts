import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { useWorkers } from '../support/processes/worker-process.js';
import { Producer } from '../support/producer.js';
import { useRunGauge } from '../support/fairness/run-gauge.js';
import { capCampaign } from './caps.js';
import { redisStackOf } from './stacks/redis-stack.js';

// `npm run faults:caps`; docs/faults.md says what it does.

const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);

const redis = redisStackOf('server');
const gauge = useRunGauge();
const startWorker = useWorkers();
beforeAll(() => redis.start());
afterAll(() => redis.dispose());

describe('npm run faults:caps', () => {
  it('never runs more than the cap, and loses no place', async () => {
    const queueName = `caps-${Date.now()}`;
    const producer = new Producer(redis, { queueName });
    const cap = number('FAULTS_CAP', 3);
    const report = await capCampaign(
      {
        seed: number('FAULTS_SEED', Math.floor(Math.random() * 1e9)),
        seconds: number('FAULTS_SECONDS', 300),
        workers: number('FAULTS_WORKERS', 3),
        cap,
        runMs: 300,
        pauseMs: [1_000, 5_000],
      },
      { redis, producer, gauge, queueName, startWorker },
    );
    console.info(JSON.stringify(report, null, 2));
    await producer.close();
    expect(report).toMatchObject({ most: cap, mostAfterwards: cap, lost: [], keysLeft: [] });
  }, 3_600_000);
});
