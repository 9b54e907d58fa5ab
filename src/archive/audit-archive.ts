import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { AuditEntry, Role } from '../contract/tenants/access.js';
import { timeOfAuditId } from '../tenants/audit/audit-trail.js';
import { ArchiveDatabase } from './archive-database.js';
import { fromStorable, toStorable } from './storable-text.js';

/** Which entries are asked for; every field narrows. */
export interface AuditFilter {
  token?: string | undefined;
  organization?: string | undefined;
  since?: Date | undefined;
  until?: Date | undefined;
}

/** The audit log in the archive. Every method throws {@link DatabaseAwayError} when the database cannot be reached. */
@Injectable()
export class AuditArchive {
  constructor(private readonly database: ArchiveDatabase) {}

  /** Writes entries; those that are there already stay as they are. */
  async write(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const rows = entries.map(rowOf);
    await this.database.use((db) =>
      sql`INSERT INTO audit (at_ms, seq, token_id, token_name, role, action, target, organization_id, status, worker_id)
        SELECT at_ms, seq, token_id, token_name, role, action, target, organization_id, status, worker_id
        FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS r(at_ms bigint, seq bigint, token_id text, token_name text,
          role text, action text, target text, organization_id text, status integer, worker_id text)
        ON CONFLICT DO NOTHING`.execute(db),
    );
  }

  /** The newest first. @param before id of the entry after which to go on */
  async list(filter: AuditFilter, limit: number, before: string | null): Promise<AuditEntry[]> {
    const { token, organization, since, until } = filter;
    const rows = await this.database.use((db) =>
      db
        .selectFrom('audit')
        .selectAll()
        .$if(token !== undefined, (query) => query.where('token_id', '=', toStorable(token ?? '')))
        .$if(organization !== undefined, (query) =>
          query.where('organization_id', '=', toStorable(organization ?? '')),
        )
        .$if(since !== undefined, (query) => query.where('at_ms', '>=', String(since?.getTime())))
        .$if(until !== undefined, (query) => query.where('at_ms', '<', String(until?.getTime())))
        .$if(before !== null, (query) => {
          const { at_ms: at, seq } = placeOf(before ?? '');
          return query.where(sql<boolean>`(at_ms, seq) < (${at}::bigint, ${seq}::bigint)`);
        })
        .orderBy('at_ms', 'desc')
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map(({ at_ms, seq, role, organization_id, ...row }) => ({
      id: `${at_ms}-${seq}`,
      at: timeOfAuditId(at_ms),
      token_id: fromStorable(row.token_id),
      token_name: fromStorable(row.token_name),
      role: role as Role,
      action: fromStorable(row.action),
      target: fromStorable(row.target),
      organization: organization_id === null ? null : fromStorable(organization_id),
      status: row.status,
      worker_id: fromStorable(row.worker_id),
    }));
  }
}

function rowOf(audited: AuditEntry): object {
  const { id, at: _, organization, ...entry } = audited;
  const texts = Object.entries({ ...entry, organization_id: organization }).map(([name, value]) => [
    name,
    typeof value === 'string' ? toStorable(value) : value,
  ]);
  return { ...placeOf(id), ...(Object.fromEntries(texts) as object) };
}

/** The two numbers of an id, which are too large for a number of JavaScript together. */
function placeOf(id: string): { at_ms: string; seq: string } {
  const [ms = '0', seq = '0'] = id.split('-');
  return { at_ms: ms, seq };
}
