import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { HealthIndicatorService, TerminusModule } from '@nestjs/terminus';
import { Test } from '@nestjs/testing';
import { randomBytes } from 'node:crypto';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { ArchiveDatabase } from '../../../src/archive/archive-database.js';
import { archiveSettings } from '../../../src/config/slices.js';
import { ArchiveIndicator } from '../../../src/health/archive.indicator.js';
import { ArchiveBench } from '../../support/archive-bench.js';
import { emptyFolder, useArchives } from '../../support/archive-parts.js';
import { aDocument, anOutcome, settingsOf } from '../../support/parts.js';
import { canMount, SmallDisk } from '../../support/servers/small-disk.js';
import { startTcpProxy, type TcpProxy } from '../../../src/faults/silent-proxy.js';
import { usePostgres } from '../../support/servers/test-postgres.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

Logger.overrideLogger(false);
const postgres = usePostgres();
const redis = useRedis();
const open = useArchives();
const ANSWER_LIMIT_MS = 20_000;
let health: HealthIndicatorService;
let proxy: TcpProxy | null = null;
let disk: SmallDisk | null = null;
/** An embedded database takes about 40 MB of it. */
const DISK_MB = 96;
let bench: ArchiveBench;

beforeAll(async () => {
  const app = await Test.createTestingModule({ imports: [TerminusModule] }).compile();
  health = await app.resolve(HealthIndicatorService);
});
afterEach(async () => {
  await bench.archiver.stop();
  await proxy?.close();
  proxy = null;
});
// After the database that has its tables there.
afterAll(() => disk?.dispose());

/** An archive that works, and that reaches its database through a proxy of its own. */
async function archiveOf(url: string): Promise<ArchiveBench> {
  const target = new URL(url);
  proxy = await startTcpProxy(Number(target.port));
  target.port = String(proxy.port);
  const settings = settingsOf({
    ROLES: 'archive',
    DATABASE_URL: target.href,
    KEY_PREFIX: `${target.pathname.slice(1)}:`,
  });
  bench = new ArchiveBench(redis, settings, open(settings));
  bench.archiver.start();
  await bench.publish(5);
  await bench.untilArchived();
  return bench;
}

/** Archives whose tables are in a folder, with five results. */
const DISKS: [kind: string, openOn: (folder: string) => Promise<unknown>][] = [
  ['Postgres', async (folder) => archiveOf(await postgres.createDatabase(folder))],
  [
    'embedded',
    async (folder) => {
      const made = await emptyFolder();
      await cp(join(made, 'data'), join(folder, 'data'), { recursive: true });
      const settings = settingsOf({ ROLES: 'archive', ARCHIVE_DIR: folder, KEY_PREFIX: 'disk:' });
      bench = new ArchiveBench(redis, settings, open(settings));
      bench.archiver.start();
      await bench.publish(5);
      await bench.untilArchived();
    },
  ],
];

const stateOf = async ({ feed, database, settings }: ArchiveBench): Promise<Record<string, unknown>> =>
  (await new ArchiveIndicator(health, feed, database, archiveSettings.of(settings)).check()).archive;

const countOf = (database: ArchiveDatabase): Promise<number> =>
  database.use(async (db) => (await db.selectFrom('executions').select('execution_id').execute()).length);

describe('the archive', () => {
  it('replaces connections that fell silent, without losing or repeating a result', async () => {
    const { database } = await archiveOf(await postgres.createDatabase());
    proxy?.silence();
    const startedMs = performance.now();
    const reading = countOf(database).catch(() => null);
    await bench.publish(5);
    await until(async () => (await stateOf(bench))['status'] !== 'up', {
      what: 'health says that it is degraded',
    });
    expect(await reading).toBeNull();
    expect(performance.now() - startedMs).toBeLessThan(2 * ANSWER_LIMIT_MS);
    await bench.untilArchived();
    expect(await countOf(database)).toBe(10);
    await until(async () => (await stateOf(bench))['status'] === 'up', { what: 'health says that it is up' });
  });

  it.each(canMount() ? DISKS : [])('is not up while its disk is full: %s', async (_kind, openOn) => {
    disk?.dispose();
    disk = new SmallDisk(DISK_MB);
    await openOn(disk.folder);
    const before = await countOf(bench.database);
    disk.fill();
    // More than its write-ahead log and its tables have room for already.
    for (let n = 0; n < 5; n++) {
      const document = aDocument(`large-${n}`, anOutcome(randomBytes(200_000).toString('base64')));
      await bench.publisher.publish(document, { kind: 'execution', mark: null });
    }
    await until(async () => (await stateOf(bench))['status'] === 'degraded', {
      what: 'health says that it is degraded',
    });
    expect((await stateOf(bench))['reason']).toContain('No space left on device');
    disk.clear();
    await bench.untilArchived();
    await until(async () => (await stateOf(bench))['status'] === 'up', { what: 'health says that it is up' });
    expect(await countOf(bench.database)).toBe(before + 5);
  });

  it('is not up while the database can only be read, however often that is done', async () => {
    const url = await postgres.createDatabase();
    const { database } = await archiveOf(url);
    const name = new URL(url).pathname.slice(1);
    const admin = new pg.Client({ connectionString: url });
    await admin.connect();
    const setReadOnly = async (value: 'on' | 'off'): Promise<void> => {
      await admin.query(`ALTER DATABASE ${name} SET default_transaction_read_only = ${value}`);
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      );
    };
    await setReadOnly('on');
    await bench.publish(5);
    await until(async () => String((await stateOf(bench))['reason']).includes('read-only'), {
      what: 'health names the reason',
    });
    expect(await countOf(database)).toBe(5);
    expect(await stateOf(bench)).toMatchObject({ status: 'degraded', waiting: 5 });
    await admin.query('SET default_transaction_read_only = off');
    await setReadOnly('off');
    await bench.untilArchived();
    await admin.end();
    expect(await countOf(database)).toBe(10);
    expect(await stateOf(bench)).toMatchObject({ status: 'up', waiting: 0 });
  });
});
