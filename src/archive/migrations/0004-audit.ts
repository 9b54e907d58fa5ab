import { type Kysely, sql } from 'kysely';

/** The audit log: what was asked for over HTTP, with which token. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
}

const STATEMENTS = [
  // Ids are those of the stream: milliseconds and a number, which are the order.
  `CREATE TABLE audit (
    at_ms bigint NOT NULL,
    seq bigint NOT NULL,
    token_id text NOT NULL,
    token_name text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    organization_id text,
    status integer NOT NULL,
    worker_id text NOT NULL,
    PRIMARY KEY (at_ms, seq)
  )`,
  `CREATE INDEX audit_token ON audit (token_id, at_ms DESC, seq DESC)`,
  `CREATE INDEX audit_organization ON audit (organization_id, at_ms DESC, seq DESC) WHERE organization_id IS NOT NULL`,
];
