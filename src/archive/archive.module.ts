import { type DynamicModule, Module } from '@nestjs/common';
import type { ArchiveSettings } from '../config/slices.js';
import { AuditArchive } from './audit-archive.js';
import { AuditArchiver } from './audit-archiver.service.js';
import { ArchiveDatabase } from './archive-database.js';
import { ArchiveEraser } from './write/archive-eraser.js';
import { ArchiveReader } from './read/archive-reader.js';
import { ArchiveWriter } from './write/archive-writer.js';
import { Archiver } from './archiver.service.js';
import { FeedStore } from './write/feed-store.js';
import { Retention } from './write/retention.js';
import { StatisticsReader } from './read/statistics-reader.js';

/** The history of executions in a SQL database; in the role `archive` also what writes it. */
@Module({})
export class ArchiveModule {
  static register(settings: ArchiveSettings): DynamicModule {
    const reads = [AuditArchive, ArchiveDatabase, ArchiveEraser, ArchiveReader, FeedStore, StatisticsReader];
    const writes = settings.isWriter ? [ArchiveWriter, Archiver, AuditArchiver, Retention] : [];
    return { module: ArchiveModule, providers: [...reads, ...writes], exports: [...reads, ...writes] };
  }
}
