import {
  type BeforeApplicationShutdown,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { Service } from '../lib/service.js';
import { pause, waitAtMost } from '../lib/time-limit.js';
import { AuditTrail } from '../tenants/audit/audit-trail.js';
import { ArchiveDatabase } from './archive-database.js';
import { AuditArchive } from './audit-archive.js';

const AT_ONCE = 500;
const LOOK_EVERY_MS = 1_000;
const STOP_TIMEOUT_MS = 1_500;

/**
 * Takes the audit log from its stream to the database. Several archives may take the same entries at once: each entry
 * has an id, and is written once. It leaves the stream once it is committed.
 */
@Injectable()
export class AuditArchiver implements Service, OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(AuditArchiver.name);
  private readonly stopped = new AbortController();
  private running: Promise<void> | null = null;

  constructor(
    private readonly trail: AuditTrail,
    private readonly database: ArchiveDatabase,
    private readonly archive: AuditArchive,
  ) {}

  onApplicationBootstrap(): void {
    this.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  start(): void {
    this.running ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    if (this.running) await waitAtMost(this.running, STOP_TIMEOUT_MS);
  }

  /** One look: archives all that waits. */
  async archiveWaiting(): Promise<void> {
    for (;;) {
      const entries = await this.trail.oldest(AT_ONCE);
      if (entries.length === 0) return;
      await this.archive.write(entries);
      await this.trail.done(entries.map(({ id }) => id));
    }
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      await this.database.whenOpen(signal);
      if (signal.aborted) return;
      try {
        await this.archiveWaiting();
      } catch (error) {
        if (!signal.aborted) this.logger.debug(`audit log: ${(error as Error).message}`);
      }
      await pause(LOOK_EVERY_MS, signal);
    }
  }
}
