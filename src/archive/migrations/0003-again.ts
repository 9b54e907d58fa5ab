import { type Kysely, sql } from 'kysely';

/** The execution that one was run again of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  `ALTER TABLE executions ADD COLUMN again_of text`,
  `CREATE INDEX executions_again_of ON executions (again_of, finished_at DESC) WHERE again_of IS NOT NULL`,
];
