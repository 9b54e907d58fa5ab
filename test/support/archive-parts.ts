import { afterAll } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArchiveDatabase } from '../../src/archive/archive-database.js';
import { ArchiveWriter } from '../../src/archive/write/archive-writer.js';
import { Archiver } from '../../src/archive/archiver.service.js';
import { FeedStore } from '../../src/archive/write/feed-store.js';
import { openEmbeddedDatabase } from '../../src/archive/embedded/embedded-database.js';
import { Retention } from '../../src/archive/write/retention.js';
import type { Settings } from '../../src/config/settings.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { aDocument, anOutcome, settingsOf } from './parts.js';
import { templateFolder } from './template-folder.js';
import type { TestPostgres } from './servers/test-postgres.js';
import type { TestRedis } from './servers/test-redis.js';
import { archiveSettings } from '../../src/config/slices.js';

/** The two databases that the archive knows; every suite about the archive is run with both. */
export const DATABASES = ['Postgres', 'the embedded database'] as const;
export type DatabaseKind = (typeof DATABASES)[number];

/** A result document, changed as wanted. */
export const aResult = (executionId: string, changes: Partial<ExecutionResult> = {}): ExecutionResult => ({
  ...aDocument(executionId, anOutcome({ n: 1 })),
  ...changes,
});

/** Settings that lead to an empty database of this kind, which goes away with the suite. */
export async function emptyArchive(
  kind: DatabaseKind,
  postgres: TestPostgres,
  changes: Record<string, string> = {},
): Promise<Settings> {
  const where: Record<string, string> =
    kind === 'Postgres'
      ? { DATABASE_URL: await postgres.createDatabase() }
      : { ARCHIVE_DIR: await emptyFolder() };
  return settingsOf({ ROLES: 'archive', ...where, ...changes });
}

const folders: string[] = [];

/** A folder with an embedded database that has just been made, which takes seconds to make: it is made once. */
export async function emptyFolder(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-archive-'));
  folders.push(folder);
  const template = await templateFolder('embedded-database', async (path) =>
    (await openEmbeddedDatabase(path)).stop(),
  );
  await cp(join(template, 'data'), join(folder, 'data'), { recursive: true });
  return folder;
}

/** Opens databases of the suite that calls it; none outlives it. */
export function useArchives(): (settings: Settings) => ArchiveDatabase {
  const opened: ArchiveDatabase[] = [];
  afterAll(async () => {
    await Promise.all(opened.map((database) => database.stop()));
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return (settings) => {
    const database = new ArchiveDatabase(archiveSettings.of(settings));
    opened.push(database);
    return database;
  };
}

/** An archive that reads the feed of a test's Redis into a database. */
export function makeArchiver(
  redis: TestRedis,
  database: ArchiveDatabase,
  settings: Settings,
): {
  archiver: Archiver;
  feed: FeedStore;
  writer: ArchiveWriter;
} {
  const keys = new RedisKeys(settings.KEY_PREFIX);
  const feed = new FeedStore(redis.connect(), redis.connect(), keys);
  const writer = new ArchiveWriter(database);
  const archiver = new Archiver(
    feed,
    database,
    writer,
    new Retention(database, archiveSettings.of(settings)),
    archiveSettings.of(settings),
  );
  redis.onDispose(() => archiver.stop());
  return { archiver, feed, writer };
}
