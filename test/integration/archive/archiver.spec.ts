import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import type { ArchiveDatabase } from '../../../src/archive/archive-database.js';
import type { Archiver } from '../../../src/archive/archiver.service.js';
import { ArchiveReader } from '../../../src/archive/read/archive-reader.js';
import type { Settings } from '../../../src/config/settings.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { ArchiveBench } from '../../support/archive-bench.js';
import { DATABASES, emptyArchive, makeArchiver, useArchives } from '../../support/archive-parts.js';
import { settingsOf } from '../../support/parts.js';
import { Producer } from '../../support/producer.js';
import { usePostgres } from '../../support/servers/test-postgres.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

Logger.overrideLogger(false);
const postgres = usePostgres();
const redis = useRedis();
let client: RedisClient;
beforeAll(() => {
  client = redis.connect();
});

describe.each(DATABASES)('the archive in %s', (kind) => {
  const open = useArchives();
  let settings: Settings;
  let database: ArchiveDatabase;
  let archivers: Archiver[] = [];
  beforeAll(async () => {
    settings = await emptyArchive(kind, postgres);
    database = open(settings);
  });
  afterEach(async () => {
    await Promise.all(archivers.map((archiver) => archiver.stop()));
    archivers = [];
  });
  const bench = (changes: Partial<Settings> = {}): ArchiveBench => {
    const own = { KEY_PREFIX: `${randomUUID()}:`, ...changes };
    const made = new ArchiveBench(redis, { ...settings, ...own }, database);
    archivers.push(made.archiver);
    return made;
  };

  it('holds every result, while a foreign consumer of the result queue gets every one too', async () => {
    const b = bench();
    const producer = new Producer(redis, { keyPrefix: b.settings.KEY_PREFIX });
    redis.onDispose(() => producer.close());
    b.archiver.start();
    const ids = await b.publish(200, 'task');
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
    await until(() => producer.received.length >= 200, { what: 'the consumer has got every result' });
    expect(producer.received.map((result) => ('taskId' in result ? result.taskId : '')).toSorted()).toEqual(
      ids.toSorted(),
    );
    expect(await client.xlen(b.keys.archiveFeed())).toBe(0);
  });

  it('takes over what an archive that died had read, and what it had written already', async () => {
    const b = bench();
    const ids = await b.publish(100);
    await b.feed.join();
    const [reader, writer] = [b.feed.openReader(), makeArchiver(redis, b.database, b.settings).writer];
    const dead = await b.feed.read(reader, 'dead', 60, 1000);
    reader.disconnect();
    // It died after a commit and before it acknowledged.
    await writer.write(
      dead.slice(0, 30).map(({ executionId, document }) => ({ executionId, text: document })),
    );
    const entryIds = dead.map((entry) => entry.entryId as string);
    await client.call('XCLAIM', b.keys.archiveFeed(), 'archive', 'dead', 0, ...entryIds, 'IDLE', 60_000);
    b.archiver.start();
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
  });

  it('several share the work, and none of them repeats what another has done', async () => {
    const b = bench();
    const more = [1, 2].map(() => makeArchiver(redis, b.database, b.settings).archiver);
    archivers.push(...more);
    for (const archiver of [b.archiver, ...more]) archiver.start();
    const ids = await b.publish(600);
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
  });

  it('fetches from the results what the stream had to drop', async () => {
    const b = bench({ ARCHIVE_FEED_LENGTH: 50 });
    const ids = await b.publish(700);
    expect(await client.xlen(b.keys.archiveFeed())).toBeLessThan(300);
    // As long ago as it takes to be sure that they are not on their way to the stream.
    const aged = ids.flatMap((id) => [Date.now() - 60_000, id]);
    await client.zadd(b.keys.archiveWaiting(), ...aged);
    await b.archiver.sweep();
    b.archiver.start();
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
    expect((await b.feed.gap()).lost).toBe(0);
  });

  it('counts as lost what expired before it was archived, and goes on', async () => {
    const b = bench();
    await client.zadd(b.keys.archiveWaiting(), Date.now() - 60_000, 'expired');
    await b.archiver.sweep();
    expect(await b.feed.gap()).toMatchObject({ waiting: 0, lost: 1 });
  });

  it.each([true, false])(
    'finds results by parameters, but not by secrets in them, where that is %s',
    async (isWanted) => {
      const b = bench({ SEARCH_PARAMETERS: isWanted });
      const [id = '', ...others] = await b.publish(3);
      const parameters = { customer: 'ACME \u0000 77', url: 'https://x.example/?key=hunter2-hunter2' };
      const context = { workflow_code: '1', parameters, secrets: { KEY: 'hunter2-hunter2' } };
      await client.set(b.keys.context(id), JSON.stringify(context));
      await client.set(b.keys.context(others[0] as string), '{"parameters":');
      b.archiver.start();
      await b.untilArchived();
      expect(await b.archived([id, ...others])).toHaveLength(3);
      const reader = new ArchiveReader(database);
      const found = async (text: string): Promise<string[]> =>
        (await reader.list({ text }, 10, null)).executions.map(({ execution_id: own }) => own);
      expect(await found(`"customer":"acme`)).toEqual(isWanted ? [id] : []);
      expect(await found('hunter2')).toEqual([]);
      // Of this case alone: the database is that of all of them.
      await database.use((db) => db.deleteFrom('executions').where('execution_id', '=', id).execute());
    },
  );

  it('begins again when Redis has lost the feed', async () => {
    const b = bench();
    b.archiver.start();
    const ids = await b.publish(5);
    await b.untilArchived();
    await client.del(b.keys.archiveFeed());
    ids.push(...(await b.publish(5)));
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
  });
});

describe('while the database is away', () => {
  const open = useArchives();

  it('results wait, the reason is reported, and everything is written when it is back', async () => {
    const server = postgres;
    const settings = settingsOf({
      ROLES: 'archive',
      DATABASE_URL: await server.createDatabase(),
      KEY_PREFIX: 'away:',
      ARCHIVE_FEED_LENGTH: '200',
    });
    const b = new ArchiveBench(redis, settings, open(settings));
    b.archiver.start();
    const ids = await b.publish(300);
    await b.untilArchived();
    await server.stop();
    ids.push(...(await b.publish(500)));
    await until(() => b.database.away, { what: 'the archive has noticed' });
    expect(b.database.away).toMatch(/DATABASE_URL does not answer/);
    expect((await b.feed.gap()).waiting).toBe(500);
    await client.zadd(
      b.keys.archiveWaiting(),
      'XX',
      ...ids.slice(300).flatMap((id) => [Date.now() - 60_000, id]),
    );
    await server.start();
    await until(() => b.database.isOpen, { what: 'the archive has the database back' });
    await b.archiver.sweep();
    await b.untilArchived();
    expect(await b.archived(ids)).toEqual(ids.toSorted());
    await b.archiver.stop();
  });
});
