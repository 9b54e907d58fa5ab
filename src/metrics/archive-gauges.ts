import { Injectable, type OnModuleInit } from '@nestjs/common';
import { ArchiveDatabase } from '../archive/archive-database.js';
import { ArchiveWriter } from '../archive/write/archive-writer.js';
import { FeedStore } from '../archive/write/feed-store.js';
import { Instruments } from './instruments.js';

/** Backlog of the archive, read from Redis for each answer. */
@Injectable()
export class ArchiveGauges implements OnModuleInit {
  constructor(
    private readonly instruments: Instruments,
    private readonly feed: FeedStore,
  ) {}

  onModuleInit(): void {
    this.instruments.onCollect(() => this.refresh());
  }

  private async refresh(): Promise<void> {
    const to = this.instruments;
    // Old figures would look like live ones.
    for (const key of ['archiveWaiting', 'archiveLag', 'archiveLost'] as const) to.clear(key);
    const { waiting, oldest, lost } = await this.feed.gap();
    to.set('archiveWaiting', waiting);
    to.set('archiveLag', oldest === null ? 0 : Math.max(0, Date.now() - oldest.getTime()) / 1000);
    to.set('archiveLost', lost);
  }
}

/** What this archive did. */
@Injectable()
export class ArchiveWriterGauges implements OnModuleInit {
  constructor(
    private readonly instruments: Instruments,
    private readonly database: ArchiveDatabase,
    private readonly writer: ArchiveWriter,
  ) {}

  onModuleInit(): void {
    this.instruments.onCollect(() => {
      this.instruments.set('archiveDatabase', this.database.isOpen ? 1 : 0);
      this.instruments.set('archiveWritten', this.writer.written);
      this.instruments.set('archiveRefused', this.writer.refused);
    });
  }
}
