import { Injectable, Logger } from '@nestjs/common';
import { sql } from 'kysely';
import { InjectSettings } from '../../config/config.module.js';
import { type ArchiveSettings, archiveSettings } from '../../config/slices.js';
import { ArchiveDatabase } from '../archive-database.js';
import {
  boundsOf,
  dropMonth,
  ensurePartitions,
  expiredMonths,
  listMonths,
  monthsAhead,
} from './partitions.js';
import type { Database } from '../schema.js';

const MONTHS_AHEAD = 3;
/** Ids go in pieces, so that none of them locks much for long. */
const PIECE = 5_000;

/** Keeps the history as long as it is wanted, a month at a time, and makes room for the months to come. */
@Injectable()
export class Retention {
  private readonly logger = new Logger(Retention.name);

  constructor(
    private readonly database: ArchiveDatabase,
    @InjectSettings(archiveSettings) private readonly settings: ArchiveSettings,
  ) {}

  /** Drops what is older than ARCHIVE_RETENTION_DAYS. @throws when the database is away or busy; safe to repeat. */
  async apply(now: Date = new Date()): Promise<void> {
    const { retentionMs } = this.settings;
    await this.database.use(async (db) => {
      await ensurePartitions(db, monthsAhead(now, MONTHS_AHEAD));
      if (retentionMs === null) return;
      await forgetAudit(db, now.getTime() - retentionMs);
      for (const month of expiredMonths(await listMonths(db), now, retentionMs)) {
        await dropMonth(db, month);
        await forgetUntil(db, boundsOf(month)[1]);
        this.logger.log({
          msg: 'a month of history is older than ARCHIVE_RETENTION_DAYS and was dropped',
          month,
        });
      }
    });
  }
}

/** Entries of the audit log from before a moment. */
async function forgetAudit(db: Database, beforeMs: number): Promise<void> {
  await db.deleteFrom('audit').where('at_ms', '<', String(beforeMs)).execute();
}

/** Everything about executions that ended before a moment, but their rows. */
async function forgetUntil(db: Database, end: string): Promise<void> {
  await sql`DELETE FROM daily_statistics WHERE day < ${end}::timestamptz AT TIME ZONE 'UTC'`.execute(db);
  for (;;) {
    const { numAffectedRows = 0n } = await sql`DELETE FROM archived_ids WHERE (execution_id, run) IN (
      SELECT execution_id, run FROM archived_ids WHERE finished_at < ${end}::timestamptz LIMIT ${PIECE})`.execute(
      db,
    );
    if (numAffectedRows < BigInt(PIECE)) return;
  }
}
