import { type Kysely, sql } from 'kysely';

/** The history: results, what they printed, and the roll-up that statistics are read from. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `CREATE TABLE archived_ids (
    execution_id text PRIMARY KEY,
    finished_at timestamptz(3) NOT NULL
  )`,
  `CREATE INDEX archived_ids_finished_at ON archived_ids USING brin (finished_at)`,
  `CREATE TABLE executions (
    execution_id text NOT NULL,
    finished_at timestamptz(3) NOT NULL,
    started_at timestamptz(3) NOT NULL,
    status text NOT NULL,
    failure_code text,
    error_type text,
    error text,
    workflow_id text,
    organization_id text,
    caller_id text,
    caller_email text,
    worker_id text NOT NULL,
    attempt integer NOT NULL,
    tags text[] NOT NULL,
    duration_ms double precision NOT NULL,
    queued_ms double precision NOT NULL,
    document_bytes integer NOT NULL,
    search text NOT NULL,
    rest jsonb NOT NULL,
    PRIMARY KEY (execution_id, finished_at)
  ) PARTITION BY RANGE (finished_at)`,
  `CREATE INDEX executions_newest ON executions (finished_at DESC, execution_id DESC)`,
  ...[
    'status',
    'failure_code',
    'workflow_id',
    'organization_id',
    'caller_id',
    'caller_email',
    'worker_id',
  ].map(
    (column) =>
      `CREATE INDEX executions_${column} ON executions (${column}, finished_at DESC) WHERE ${column} IS NOT NULL`,
  ),
  `CREATE INDEX executions_tags ON executions USING gin (tags)`,
  `CREATE INDEX executions_duration ON executions (duration_ms)`,
  // Free text is searched without this index where the database has no such extension to offer.
  `DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE INDEX executions_search ON executions USING gin (search gin_trgm_ops);
  EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm is not available: %', SQLERRM;
  END $$`,
  `CREATE TABLE execution_logs (
    execution_id text NOT NULL,
    finished_at timestamptz(3) NOT NULL,
    logs jsonb NOT NULL,
    stdout text NOT NULL,
    stderr text NOT NULL,
    PRIMARY KEY (execution_id, finished_at)
  ) PARTITION BY RANGE (finished_at)`,
  `CREATE TABLE daily_statistics (
    day date NOT NULL,
    organization_id text NOT NULL,
    workflow_id text NOT NULL,
    status text NOT NULL,
    executions integer NOT NULL,
    duration_ms double precision NOT NULL,
    buckets smallint[] NOT NULL,
    counts integer[] NOT NULL,
    PRIMARY KEY (organization_id, day, workflow_id, status)
  ) WITH (fillfactor = 50)`,
];
