import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { useWorkers } from '../support/processes/worker-process.js';
import { QueueEnds } from '../../src/faults/queue-ends.js';
import { TestPostgres } from '../support/servers/test-postgres.js';
import { useStartCounter } from '../support/start-counter.js';
import type { Chance } from '../../src/faults/fault.js';
import { findingsOf } from '../../src/contract/clients/faults-report.js';
import { campaign } from '../../src/faults/campaign.js';
import { fill, PostgresStack } from './stacks/postgres-stack.js';
import { redisStackOf } from './stacks/redis-stack.js';
import { SmallDisk } from '../support/servers/small-disk.js';

// `npm run faults`; docs/faults.md says what it does and how to read its report.

const text = (name: string, fallback: string): string => process.env[name] ?? fallback;
const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback);
const HOURS_MS = 6 * 3_600_000;
/** Enough for the temporary files of three workers. */
const DISK_MB = 256;

const redis = redisStackOf(text('FAULTS_REDIS', 'server'));
const postgres = text('FAULTS_POSTGRES', 'no') === 'yes' ? new TestPostgres() : null;
const disk = text('FAULTS_DISK', 'no') === 'yes' ? new SmallDisk(DISK_MB) : null;
/** What the tables of the archive are on. */
const tables = disk && postgres ? new SmallDisk(DISK_MB) : null;
const counter = useStartCounter();
// Jest ends what is defined first first: the workers before what they use.
const startWorker = useWorkers();
beforeAll(async () => {
  await Promise.all([redis.start(), postgres?.start()]);
});
afterAll(async () => {
  await Promise.all([redis.dispose(), postgres?.dispose()]);
  disk?.dispose();
  tables?.dispose();
});

describe('npm run faults', () => {
  it(
    'nothing is lost, doubled, or run more often than its result shows',
    async () => {
      const queueName = `faults-${Date.now()}`;
      const producer = new QueueEnds(redis.connect(), { queueName, keyPrefix: redis.keyPrefix });
      const archive = postgres && (await PostgresStack.on(postgres, tables));
      const report = await campaign(
        {
          seed: number('FAULTS_SEED', Math.floor(Math.random() * 1e9)),
          executions: number('FAULTS_EXECUTIONS', 10_000),
          workers: number('FAULTS_WORKERS', 3),
          atOnce: number('FAULTS_AT_ONCE', 96),
          limitMs: number('FAULTS_MINUTES', 300) * 60_000,
          pauseMs: [2_000, 6_000],
        },
        {
          redis,
          faults: {
            ...redis.faults,
            ...archive?.faults,
            ...(disk ? { 'fill the disk': (chance: Chance) => fill(disk, chance) } : {}),
          },
          ...(archive
            ? {
                settings: { ROLES: 'worker,api,archive', DATABASE_URL: archive.url },
                notOneRow: (ids) => archive.notOnce(ids),
              }
            : {}),
          ...(disk ? { folder: disk.folder } : {}),
          counter,
          startWorker,
          producer,
          queueName,
        },
      );
      console.info(JSON.stringify(report, null, 2));
      for (const id of report.doubled) console.info(JSON.stringify(producer.resultsOf(id), null, 2));
      await producer.close();
      await archive?.close();
      expect(findingsOf(report)).toEqual({});
    },
    HOURS_MS,
  );
});
