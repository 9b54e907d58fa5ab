import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { ArchiveDatabase } from '../archive/archive-database.js';
import { type FeedGap, FeedStore } from '../archive/write/feed-store.js';
import { InjectSettings } from '../config/config.module.js';
import { type ArchiveSettings, archiveSettings } from '../config/slices.js';

/** Results that wait for longer, while none is written, are not being archived. */
const STANDSTILL_MS = 15_000;

/**
 * Degraded while results are not archived as they should be. Never down: executions run and end, and
 * results wait in Redis.
 */
@Injectable()
export class ArchiveIndicator {
  constructor(
    private readonly health: HealthIndicatorService,
    private readonly feed: FeedStore,
    private readonly database: ArchiveDatabase,
    @InjectSettings(archiveSettings) private readonly settings: ArchiveSettings,
  ) {}

  async check(): Promise<HealthIndicatorResult<'archive'>> {
    const check = this.health.check('archive');
    // Without Redis there is nothing to say here; that indicator says it.
    const gap = await this.feed.gap().catch(() => null);
    const reason = this.databaseReason() ?? (gap && (this.standstillReason(gap) ?? this.gapReason(gap)));
    const detail = {
      waiting: gap?.waiting ?? null,
      waiting_since: gap?.oldest?.toISOString() ?? null,
      lost: gap?.lost ?? null,
    };
    return reason === null ? check.up(detail) : check.degraded({ ...detail, reason });
  }

  /** Only an archive needs its database all the time. */
  private databaseReason(): string | null {
    const { away } = this.database;
    if (!this.settings.isWriter || away === null) return null;
    return `${away}; results wait in Redis and are archived once it is back`;
  }

  /** Whatever the reason is, also where no error was reported. */
  private standstillReason({ waiting, oldest }: FeedGap): string | null {
    if (!this.settings.isWriter || oldest === null) return null;
    const waitedMs = Date.now() - oldest.getTime();
    const idleMs = Math.min(waitedMs, this.database.writtenAgoMs ?? Number.POSITIVE_INFINITY);
    if (idleMs < STANDSTILL_MS) return null;
    return `${waiting} results wait, the oldest for ${Math.round(waitedMs / 1_000)} s, and none was written for ${Math.round(idleMs / 1_000)} s`;
  }

  private gapReason({ waiting }: FeedGap): string | null {
    const limit = this.settings.feedLength;
    if (limit === 0 || waiting <= limit) return null;
    return `${waiting} results are not archived, more than the feed holds (ARCHIVE_FEED_LENGTH=${limit}): those it dropped are fetched while they have not expired (RESULT_TTL_SECONDS). Start more processes with ROLES=archive, or set ARCHIVE_FEED_LENGTH=0 on the workers if you need no history`;
  }
}
