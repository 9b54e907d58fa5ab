import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Service } from '../lib/service.js';
import { InjectSettings } from '../config/config.module.js';
import { type ArchiveSettings, archiveSettings } from '../config/slices.js';
import { inBatches } from '../lib/in-batches.js';
import { pause, waitAtMost } from '../lib/time-limit.js';
import type { RedisClient } from '../redis/connections.js';
import { ArchiveDatabase, DatabaseAwayError } from './archive-database.js';
import { type ArchivedDocument, ArchiveWriter } from './write/archive-writer.js';
import { type FeedEntry, FeedStore } from './write/feed-store.js';
import { Retention } from './write/retention.js';

const BATCH_ROWS = 500;
const BATCH_BYTES = 8 * 1024 * 1024;
/** Contexts that are in memory at once. */
const CONTEXTS_AT_ONCE = 20;
const BLOCK_MS = 1_000;
const RETRY_MS = 500;
/** Entries that a consumer has not finished after this time are taken over. */
const IDLE_MS = 15_000;
const CLAIM_EVERY_MS = 5_000;
const SWEEP_EVERY_MS = 10_000;
const RETENTION_EVERY_MS = 3_600_000;
const STOP_TIMEOUT_MS = 1_500;

/**
 * Takes results from the feed to the database, one of as many as there are:
 * 1. New entries of the stream, in batches; acknowledged once they are committed.
 * 2. Entries that another archive has had for too long.
 * 3. From time to time what the stream had to drop, from the results themselves.
 *
 * While the database is away it holds the batch that it has and reads no further; the rest waits in Redis.
 */
@Injectable()
export class Archiver implements Service, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Archiver.name);
  private readonly consumer: string;
  private readonly stopped = new AbortController();
  private reader: RedisClient | null = null;
  private running: Promise<unknown> | null = null;

  constructor(
    private readonly feed: FeedStore,
    private readonly database: ArchiveDatabase,
    private readonly writer: ArchiveWriter,
    private readonly retention: Retention,
    @InjectSettings(archiveSettings) private readonly settings: ArchiveSettings,
  ) {
    this.consumer = `${settings.workerId}:${randomUUID()}`;
  }

  onApplicationBootstrap(): void {
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  start(): void {
    this.running ??= Promise.all([
      this.repeat('feed', RETRY_MS, () => this.followFeed()),
      this.repeat('sweep', SWEEP_EVERY_MS, () => this.sweep()),
      this.repeat('retention', RETENTION_EVERY_MS, () => this.retention.apply()),
    ]);
  }

  /** Ends after the batch that is being written; what is not acknowledged comes again, here or elsewhere. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.reader?.disconnect();
    if (this.running) await waitAtMost(this.running, STOP_TIMEOUT_MS);
  }

  /** Does work again and again while the database is open; an error is logged and ends one round. */
  private async repeat(what: string, pauseMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      await this.database.whenOpen(this.stopped.signal);
      if (signal.aborted) return;
      let waitMs = pauseMs;
      try {
        await work();
      } catch (error) {
        waitMs = RETRY_MS;
        if (!signal.aborted) this.logger.debug(`${what}: ${(error as Error).message}`);
      }
      await pause(waitMs, signal);
    }
  }

  /** Ends with an error only. */
  private async followFeed(): Promise<void> {
    this.reader?.disconnect();
    const reader = (this.reader = this.feed.openReader());
    await this.feed.join();
    let claimedAtMs = Number.NEGATIVE_INFINITY;
    while (!this.stopped.signal.aborted) {
      let entries: FeedEntry[] = [];
      if (performance.now() - claimedAtMs > CLAIM_EVERY_MS) {
        entries = await this.feed.claim(this.consumer, IDLE_MS, BATCH_ROWS);
        // A full batch is followed by another.
        if (entries.length < BATCH_ROWS) claimedAtMs = performance.now();
      }
      if (entries.length === 0) entries = await this.feed.read(reader, this.consumer, BATCH_ROWS, BLOCK_MS);
      await this.archive(entries);
    }
  }

  /** One look for results that the stream has dropped; they are archived from the results themselves. */
  async sweep(): Promise<void> {
    await this.feed.tidyConsumers().catch(() => undefined);
    let entries = await this.feed.dropped(BATCH_ROWS);
    if (entries.length === 0 || !(await this.feed.takeSweep(this.consumer))) return;
    try {
      for (; entries.length > 0; entries = await this.feed.dropped(BATCH_ROWS)) {
        await this.archive(entries);
        if (this.stopped.signal.aborted) return;
      }
    } finally {
      await this.feed.leaveSweep();
    }
  }

  /** Writes entries in batches of bounded size and clears each once it is committed. */
  private async archive(entries: readonly FeedEntry[]): Promise<void> {
    let batch: FeedEntry[] = [];
    let documents: ArchivedDocument[] = [];
    let bytes = 0;
    const flush = async (): Promise<void> => {
      await this.storeWithRetry(await this.withParameters(documents));
      await this.feed.done(batch);
      [batch, documents, bytes] = [[], [], 0];
    };
    for (const entry of entries) {
      const text =
        entry.document === '' ? await this.feed.document(entry.executionId, entry.run) : entry.document;
      if (text === null) {
        await this.feed.done([entry], { lost: true });
        continue;
      }
      if (bytes > 0 && bytes + text.length > BATCH_BYTES) await flush();
      batch.push(entry);
      documents.push({ executionId: entry.executionId, text });
      bytes += text.length;
    }
    await flush();
  }

  /** With what they are found by in their parameters, if that is wanted. */
  private async withParameters(documents: readonly ArchivedDocument[]): Promise<readonly ArchivedDocument[]> {
    if (!this.settings.searchesParameters) return documents;
    return inBatches(documents, CONTEXTS_AT_ONCE, async (document) => ({
      ...document,
      searched: await this.feed.parameters(document.executionId),
    }));
  }

  /** Writes as soon as the database accepts it. */
  private async storeWithRetry(documents: readonly ArchivedDocument[]): Promise<void> {
    while (documents.length > 0) {
      try {
        await this.writer.write(documents);
        return this.database.noteWrite();
      } catch (error) {
        if (this.stopped.signal.aborted) throw error;
        this.database.noteWriteFailure(error as Error);
        await sleep(RETRY_MS, undefined, { signal: this.stopped.signal });
        if (error instanceof DatabaseAwayError) await this.database.whenOpen(this.stopped.signal);
      }
    }
  }
}
