import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import { pause, waitAtMost } from '../lib/time-limit.js';
import { InjectSettings } from '../config/config.module.js';
import { type ArchiveSettings, archiveSettings } from '../config/slices.js';
import {
  type EmbeddedDatabase,
  joinEmbeddedDatabase,
  NoEmbeddedDatabaseError,
  openEmbeddedDatabase,
} from './embedded/embedded-database.js';
import { isDatabaseAway } from './database-errors.js';
import { migrationsOver } from './migrations/index.js';
import { ensurePartitions, monthsAhead } from './write/partitions.js';
import type { Database, Tables } from './schema.js';
import { WatchedPool } from './watched-pool.js';

/** The database cannot be used at the moment; `message` says why and what to do. */
export class DatabaseAwayError extends Error {
  override name = 'DatabaseAwayError';
}

/** No database is configured: there is no history. */
export class NoArchiveError extends DatabaseAwayError {
  override name = 'NoArchiveError';
}

const CONNECTIONS = 5;
const CONNECT_TIMEOUT_MS = 3_000;
/** How long a query may take, and how long its connection may be silent meanwhile. */
interface QueryLimits {
  /** The server cancels what takes longer; 0: nothing. */
  statementMs: number;
  /** The client gives up a connection that is silent for longer. */
  silenceMs: number;
}

/** A query that takes longer is cancelled: its client has gone, and others wait. */
const SERVER_LIMITS: QueryLimits = { statementMs: 10_000, silenceMs: 12_000 };
/** The embedded database knows no limit, and its clients wait for their turns; nothing but this machine can break it. */
const EMBEDDED_LIMITS: QueryLimits = { statementMs: 0, silenceMs: 30_000 };
/** Changes of large tables, while another process may hold the lock on them. */
const MIGRATION_LIMITS: QueryLimits = { statementMs: 600_000, silenceMs: 610_000 };
const RETRY_MS = 500;
/** An opening under way, and a server that ends, are waited for this long when the process ends. */
const STOP_STEP_MS = 1_500;
/** Partitions of this month and the next two are there before the first result of them. */
const MONTHS_AHEAD = 3;

/**
 * The connection to the archive's database: Postgres by DATABASE_URL, or the embedded one of a folder.
 *
 * A process of the role `archive` opens it at the start, brings its tables up to date, and tries again
 * until that has worked and after every loss. Others open it when they are asked for something, and
 * neither start an embedded one nor change tables.
 */
@Injectable()
export class ArchiveDatabase implements OnApplicationShutdown {
  private readonly logger = new Logger(ArchiveDatabase.name);
  private readonly stopped = new AbortController();
  private opening: Promise<void> | null = null;
  private open: { db: Database; embedded: EmbeddedDatabase | null } | null = null;
  private reason: string | null = null;
  private writeProblem: string | null = null;
  private writtenAtMs: number | null = null;

  constructor(@InjectSettings(archiveSettings) private readonly settings: ArchiveSettings) {}

  /** Why it cannot be used, or not be written, now; null: it can, or was not tried yet. */
  get away(): string | null {
    return this.reason ?? this.writeProblem;
  }

  /** Milliseconds since results were last written by this process; null: never. */
  get writtenAgoMs(): number | null {
    return this.writtenAtMs === null ? null : performance.now() - this.writtenAtMs;
  }

  get isOpen(): boolean {
    return this.open !== null && this.reason === null;
  }

  /**
   * Does work with the database.
   * @throws {DatabaseAwayError} when it cannot be reached; what the work throws otherwise.
   */
  async use<T>(work: (db: Database) => Promise<T>): Promise<T> {
    if (!this.open) await this.openOnce();
    try {
      const result = await work(this.open!.db);
      this.back();
      return result;
    } catch (error) {
      if (!isDatabaseAway(error)) throw error;
      await this.lose(error as Error);
      throw new DatabaseAwayError(this.reason ?? 'the database does not answer');
    }
  }

  /** Results could not be written, for a reason that may pass; {@link away} reports it until {@link noteWrite}: reading may work all the time. */
  noteWriteFailure(error: Error): void {
    const problem =
      error instanceof DatabaseAwayError ? error.message : `it cannot be written: ${error.message}`;
    if (this.writeProblem !== problem) this.logger.error(`the archive cannot be written: ${error.message}`);
    this.writeProblem = problem;
  }

  /** Results were written. */
  noteWrite(): void {
    if (this.writeProblem !== null) this.logger.log('the archive can be written again');
    this.writeProblem = null;
    this.writtenAtMs = performance.now();
  }

  /** Resolves once the database is open, without a time limit, or `signal` aborts, or {@link stop} was called. */
  async whenOpen(signal?: AbortSignal): Promise<void> {
    const ended = signal ? AbortSignal.any([this.stopped.signal, signal]) : this.stopped.signal;
    while (!ended.aborted && !this.isOpen) {
      await this.use(ping).catch(() => pause(RETRY_MS, ended));
    }
  }

  /** After everything that may still ask. */
  async onApplicationShutdown(): Promise<void> {
    await this.stop();
  }

  /** Closes connections, and ends the embedded database if it is ours; waits for neither without a limit. */
  async stop(): Promise<void> {
    this.stopped.abort();
    if (this.opening)
      await waitAtMost(
        this.opening.catch(() => undefined),
        STOP_STEP_MS,
      );
    await waitAtMost(this.close(), STOP_STEP_MS);
  }

  private openOnce(): Promise<void> {
    this.opening ??= this.tryOpen().finally(() => (this.opening = null));
    return this.opening;
  }

  private async tryOpen(): Promise<void> {
    const { isWriter: keeps, databaseUrl, dir } = this.settings;
    let embedded: EmbeddedDatabase | null = null;
    let db: Database | undefined;
    try {
      if (databaseUrl === undefined)
        embedded = await (keeps ? openEmbeddedDatabase : joinEmbeddedDatabase)(dir);
      db = this.connect(embedded);
      if (keeps) await this.prepare(db, embedded);
      else await ping(db);
      if (this.stopped.signal.aborted) throw new DatabaseAwayError('this process is ending');
      this.open = { db, embedded };
      this.back();
    } catch (error) {
      await db?.destroy().catch(() => undefined);
      await embedded?.stop();
      const why = this.explain(error as Error);
      if (this.reason !== why && keeps) this.logger.error(`the archive's database cannot be used: ${why}`);
      this.reason = why;
      throw new (error instanceof NoEmbeddedDatabaseError ? NoArchiveError : DatabaseAwayError)(why);
    }
  }

  /** Brings the tables up to date, over connections that may take long for that, once the server is known to answer. */
  private async prepare(db: Database, embedded: EmbeddedDatabase | null): Promise<void> {
    await sql`SELECT 1`.execute(db);
    const patient = this.connect(embedded, MIGRATION_LIMITS);
    try {
      await migrate(patient);
    } finally {
      await patient.destroy();
    }
  }

  private connect(
    embedded: EmbeddedDatabase | null,
    limits: QueryLimits = embedded ? EMBEDDED_LIMITS : SERVER_LIMITS,
  ): Database {
    const { statementMs, silenceMs } = limits;
    const where = embedded
      ? { host: embedded.host, user: 'postgres', database: 'postgres' }
      : { connectionString: this.settings.databaseUrl, statement_timeout: statementMs };
    const pool = new WatchedPool(
      {
        ...where,
        max: CONNECTIONS,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        application_name: `bifrost-${this.settings.workerId}`.slice(0, 63),
      },
      silenceMs,
    );
    return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  }

  private back(): void {
    if (this.reason !== null) this.logger.log("the archive's database can be used again");
    this.reason = null;
  }

  /** The embedded one may have ended with the process that started it: then it is opened anew. */
  private async lose(error: Error): Promise<void> {
    if (this.reason === null) this.logger.error(`the archive's database is away: ${error.message}`);
    this.reason = this.explain(error);
    if (this.settings.databaseUrl === undefined) await this.close();
  }

  private async close(): Promise<void> {
    const { open } = this;
    this.open = null;
    await open?.db.destroy().catch(() => undefined);
    await open?.embedded?.stop();
  }

  private explain(error: Error): string {
    if (error instanceof NoEmbeddedDatabaseError) {
      return `${error.message}: start a process with the role archive in this folder, or set DATABASE_URL`;
    }
    const reason = error.message || (error as NodeJS.ErrnoException).code || error.name;
    return this.settings.databaseUrl === undefined
      ? `the embedded database in ${this.settings.dir}: ${reason}`
      : `the database of DATABASE_URL does not answer: ${reason}`;
  }
}

/** Fails unless the tables are there. */
const ping = (db: Database): Promise<unknown> =>
  db.selectFrom('archived_ids').select('execution_id').limit(1).execute();

const MIGRATIONS_TABLE = 'bifrost_migrations';

async function appliedMigrations(db: Database): Promise<string[]> {
  const found = await sql<{ table: string | null }>`SELECT to_regclass(${MIGRATIONS_TABLE}) AS table`.execute(
    db,
  );
  if (found.rows[0]?.table == null) return [];
  const { rows } = await sql<{ name: string }>`SELECT name FROM ${sql.table(MIGRATIONS_TABLE)}`.execute(db);
  return rows.map(({ name }) => name);
}

/** Brings the tables up to date; Kysely holds a lock meanwhile, so that one process at a time does. */
async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: migrationsOver(await appliedMigrations(db)),
    migrationTableName: MIGRATIONS_TABLE,
    migrationLockTableName: 'bifrost_migrations_lock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error as Error;
  await ensurePartitions(db, monthsAhead(new Date(), MONTHS_AHEAD));
}
