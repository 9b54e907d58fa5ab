import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { NoArchiveError } from '../../archive/archive-database.js';
import { AuditArchive } from '../../archive/audit-archive.js';
import { type AuditEntry, type AuditPage, auditPageSchema } from '../../contract/tenants/access.js';
import { compareIds } from '../../queue/queue-changes.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { AuditTrail } from '../../tenants/audit/audit-trail.js';
import { withinArchive } from '../history/archive-bound.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { type AuditQuery, auditQuerySchema } from './audit-requests.js';

/** Entries that wait for the archive are looked through for a filter. */
const MOST_LOOKED_AT = 5_000;

/** The audit log: what was changed over HTTP, by which token, and what was refused to it. */
@ApiTags('audit')
@Controller('audit')
export class AuditController {
  constructor(
    private readonly trail: AuditTrail,
    private readonly archive: AuditArchive,
  ) {}

  /** The newest first: those that wait for the archive, then those that it has. */
  @Get()
  @Access('admin', 'everything')
  @ApiOperation({
    operationId: 'listAudit',
    summary: 'What was changed by which token, and what was refused to it',
  })
  @ApiOkResponse({ standardSchema: auditPageSchema })
  async list(@Query({ schema: auditQuerySchema }) query: AuditQuery): Promise<AuditPage> {
    const { limit, cursor } = query;
    const [waiting, archived] = await Promise.all([
      withinRedisLimit(this.trail.newest(MOST_LOOKED_AT, cursor ?? null)),
      withinArchive(this.archived(query)),
    ]);
    const all = new Map<string, AuditEntry>();
    for (const entry of [...waiting.filter((one) => fits(one, query)), ...archived]) all.set(entry.id, entry);
    const sorted = [...all.values()].toSorted((a, b) => compareIds(b.id, a.id));
    const entries = sorted.slice(0, limit);
    return { entries, next_cursor: sorted.length > limit ? (entries.at(-1)?.id ?? null) : null };
  }

  private async archived({ limit, cursor, ...filter }: AuditQuery): Promise<AuditEntry[]> {
    try {
      return await this.archive.list(filter, limit + 1, cursor ?? null);
    } catch (error) {
      if (error instanceof NoArchiveError) return [];
      throw error;
    }
  }
}

function fits(entry: AuditEntry, { token, organization, since, until }: AuditQuery): boolean {
  const atMs = Date.parse(entry.at);
  return (
    (token === undefined || token === entry.token_id) &&
    (organization === undefined || organization === entry.organization) &&
    (since === undefined || atMs >= since.getTime()) &&
    (until === undefined || atMs < until.getTime())
  );
}
