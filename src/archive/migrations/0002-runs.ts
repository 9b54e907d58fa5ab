import { type Kysely, sql } from 'kysely';

/** Executions that run more than once, each run a row of its own; and the schedule whose tick one is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `ALTER TABLE executions ADD COLUMN run integer NOT NULL DEFAULT 1, ADD COLUMN schedule text`,
  `CREATE INDEX executions_schedule ON executions (schedule, finished_at DESC) WHERE schedule IS NOT NULL`,
  `ALTER TABLE archived_ids ADD COLUMN run integer NOT NULL DEFAULT 1`,
  `ALTER TABLE archived_ids DROP CONSTRAINT archived_ids_pkey`,
  `ALTER TABLE archived_ids ADD PRIMARY KEY (execution_id, run)`,
];
