import { type DynamicModule, Module } from '@nestjs/common';
import type { Settings } from '../config/settings.js';
import { ArchiveDatabase } from './archive-database.js';
import { ArchiveEraser } from './archive-eraser.js';
import { ArchiveReader } from './archive-reader.js';
import { ArchiveWriter } from './archive-writer.js';
import { Archiver } from './archiver.service.js';
import { FeedStore } from './feed-store.js';
import { Retention } from './retention.js';
import { StatisticsReader } from './statistics-reader.js';

/** The history of executions in a SQL database; in the role `archive` also what writes it. */
@Module({})
export class ArchiveModule {
  static register(settings: Settings): DynamicModule {
    const reads = [ArchiveDatabase, ArchiveEraser, ArchiveReader, FeedStore, StatisticsReader];
    const writes = settings.ROLES.includes('archive') ? [ArchiveWriter, Archiver, Retention] : [];
    return { module: ArchiveModule, providers: [...reads, ...writes], exports: [...reads, ...writes] };
  }
}
