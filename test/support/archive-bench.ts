import { randomUUID } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { ArchiveDatabase } from '../../src/archive/archive-database.js';
import type { Archiver } from '../../src/archive/archiver.service.js';
import type { FeedStore } from '../../src/archive/write/feed-store.js';
import type { Settings } from '../../src/config/settings.js';
import { resultSettings } from '../../src/config/slices.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { ArchiveFeed } from '../../src/results/archive-feed.js';
import { ResultPublisher } from '../../src/results/result-publisher.js';
import { makeArchiver } from './archive-parts.js';
import { aDocument, anOutcome, closingOf, openResultQueue } from './parts.js';
import type { TestRedis } from './servers/test-redis.js';
import { until } from './until.js';

/** Publishes results as a worker does, and archives them; everything under a prefix of its own. */
export class ArchiveBench {
  readonly keys: RedisKeys;
  readonly archiver: Archiver;
  readonly feed: FeedStore;
  readonly queue: Queue;
  readonly publisher: ResultPublisher;

  constructor(
    redis: TestRedis,
    readonly settings: Settings,
    readonly database: ArchiveDatabase,
  ) {
    const client = redis.connect();
    this.keys = new RedisKeys(settings.KEY_PREFIX);
    ({ archiver: this.archiver, feed: this.feed } = makeArchiver(redis, database, settings));
    const feed = new ArchiveFeed(client, this.keys, resultSettings.of(settings));
    this.queue = openResultQueue(redis, settings);
    this.publisher = new ResultPublisher(
      client,
      this.queue,
      feed,
      closingOf(client, this.keys, settings),
      this.keys,
      resultSettings.of(settings),
    );
  }

  async publish(count: number, kind: 'task' | 'execution' = 'execution'): Promise<string[]> {
    const ids = Array.from({ length: count }, () => randomUUID());
    await Promise.all(
      ids.map((executionId) =>
        this.publisher.publish(aDocument(executionId, anOutcome(executionId)), { kind, mark: null }),
      ),
    );
    return ids;
  }

  /** Those of the ids that have a row, once for each row. */
  archived(ids: readonly string[]): Promise<string[]> {
    return this.database.use(async (db) => {
      const rows = db.selectFrom('executions').select('execution_id').where('execution_id', 'in', ids);
      return (await rows.execute()).map((row) => row.execution_id).toSorted();
    });
  }

  async untilArchived(): Promise<void> {
    await until(async () => (await this.feed.gap()).waiting === 0, {
      what: 'every result is archived',
    });
  }
}
