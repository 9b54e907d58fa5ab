import { afterAll, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { RedisKeys } from '../../src/redis/keys.js';
import { ArchiveFeed } from '../../src/results/archive-feed.js';
import { ResultPublisher } from '../../src/results/result-publisher.js';
import { aDocument, anOutcome, closingOf, openResultQueue, settingsOf } from '../support/parts.js';
import { usePostgres } from '../support/servers/test-postgres.js';
import { useRedis } from '../support/servers/test-redis.js';
import { until } from '../support/until.js';
import { useWorkers, type WorkerProcess } from '../support/processes/worker-process.js';
import { resultSettings } from '../../src/config/slices.js';

// `npm run test:archive-crash`: takes about two minutes, so it is no part of `npm test`, which has a short
// version of each of its parts in archiver.spec.ts.

const RESULTS = 5_000;
const OUTAGE_MS = 30_000;
/** Less than the results of the outage, so that the stream must drop some. */
const FEED_LENGTH = 1_000;

const postgres = usePostgres();
const redis = useRedis();
const startWorker = useWorkers();
const clients: pg.Client[] = [];
afterAll(() => Promise.all(clients.map((client) => client.end().catch(() => undefined))));

it(`${RESULTS} results are exactly ${RESULTS} rows after SIGKILL of the archive, an outage of the database and redelivery`, async () => {
  const url = await postgres.createDatabase();
  const env = { REDIS_URL: redis.url, DATABASE_URL: url, ROLES: 'archive' };
  const startArchive = (): Promise<WorkerProcess> => startWorker({ env });
  const client = redis.connect();
  const keys = new RedisKeys('');
  const settings = settingsOf({ ARCHIVE_FEED_LENGTH: String(FEED_LENGTH) });
  const feed = new ArchiveFeed(client, keys, resultSettings.of(settings));
  const publisher = new ResultPublisher(
    client,
    openResultQueue(redis, settings),
    feed,
    closingOf(client, keys, settings),
    keys,
    resultSettings.of(settings),
  );
  const ids = Array.from({ length: RESULTS }, () => randomUUID());
  const publish = async (from: number, to: number): Promise<void> => {
    for (let at = from; at < to; at += 100) {
      await Promise.all(
        ids.slice(at, Math.min(at + 100, to)).map((executionId) =>
          publisher.publish(aDocument(executionId, anOutcome(executionId)), {
            kind: 'execution',
            mark: null,
          }),
        ),
      );
    }
  };
  const count = async (statement: string): Promise<number> => {
    const database = new pg.Client({ connectionString: url });
    database.on('error', () => undefined);
    clients.push(database);
    await database.connect();
    const { rows } = await database.query<{ count: number }>(statement);
    await database.end();
    return rows[0]!.count;
  };
  const rowCount = (): Promise<number> => count('SELECT count(*)::int FROM executions');

  // Killed in the middle, several times.
  let archive = await startArchive();
  const publishing = publish(0, 3_000);
  for (const part of [200, 900, 1_800]) {
    await until(async () => (await rowCount()) >= part, {
      timeoutMs: 60_000,
      what: `${part} rows are written`,
    });
    await archive.kill9();
    archive = await startArchive();
  }
  await publishing;

  // The database away for half a minute, while results go on coming.
  await postgres.stop('SIGQUIT');
  await publish(3_000, RESULTS);
  await until(
    async () =>
      ((await (await fetch(`${archive.url}/health`)).json()) as { status: string }).status === 'degraded',
    { timeoutMs: 20_000, what: 'the health of the archive reports a backlog' },
  );
  expect((await fetch(`${archive.url}/health/live`)).status).toBe(200);
  await sleep(OUTAGE_MS);
  await postgres.start();

  // Everything once more, as a redelivery of every job would do it.
  for (const id of ids) await feed.append(id, 1, (await client.get(keys.result(id)))!);
  await until(async () => (await client.zcard(keys.archiveWaiting())) === 0, {
    timeoutMs: 120_000,
    what: 'every result is archived',
  });
  expect(await rowCount()).toBe(RESULTS);
  expect(await count('SELECT count(DISTINCT execution_id)::int AS count FROM executions')).toBe(RESULTS);
  expect(
    await count("SELECT sum(executions)::int AS count FROM daily_statistics WHERE organization_id = ''"),
  ).toBe(RESULTS);
  expect(await client.hget(keys.archiveFigures(), 'lost')).toBeNull();
  await archive.stop();
}, 300_000);
