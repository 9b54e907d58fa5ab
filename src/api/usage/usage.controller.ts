import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { type Usage, type UsageRow, usageSchema } from '../../contract/tenants/usage.js';
import { usageCsv } from '../../contract/tenants/usage-csv.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller, mayReach } from '../../tenants/access/caller.js';
import { UsageStore } from '../../tenants/usage/usage-store.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { daysOf, type UsageQuery, usageQuerySchema } from './usage-requests.js';

/** What organizations used, by day. */
@ApiTags('organizations')
@Controller('usage')
export class UsageController {
  constructor(private readonly store: UsageStore) {}

  @Get()
  @Access('read', 'own')
  @ApiOperation({ operationId: 'getUsage', summary: 'What organizations used, by day, as JSON or CSV' })
  @ApiProduces('application/json', 'text/csv')
  @ApiOkResponse({ standardSchema: usageSchema })
  async read(
    @CalledBy() caller: Caller,
    @Query({ schema: usageQuerySchema }) query: UsageQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const page = await this.page(query, whose(caller, query.organization));
    if (query.format === 'json') return void reply.send(page);
    if (page.next_cursor !== null) reply.header('x-next-cursor', encodeURIComponent(page.next_cursor));
    reply
      .type('text/csv; charset=utf-8')
      .header('x-content-type-options', 'nosniff')
      .send(usageCsv(page.usage));
  }

  private async page(query: UsageQuery, organizations: readonly string[] | null): Promise<Usage> {
    const { limit, cursor } = query;
    const rows: UsageRow[] = [];
    for (const day of daysOf(query, Date.now())) {
      if (cursor !== undefined && day > cursor.slice(0, DAY_CHARS)) continue;
      const found = await withinRedisLimit(this.store.ofDay(day, organizations));
      rows.push(...(cursor === undefined ? found : found.filter((row) => isAfter(row, cursor))));
      if (rows.length > limit) break;
    }
    const usage = rows.slice(0, limit);
    const last = usage.at(-1);
    return { usage, next_cursor: last && rows.length > limit ? cursorOf(last) : null };
  }
}

const DAY_CHARS = 'YYYY-MM-DD'.length;

const cursorOf = ({ day, organization }: UsageRow): string => `${day}/${organization}`;

/** In the order of the list: newest days first. */
const isAfter = ({ day, organization }: UsageRow, cursor: string): boolean => {
  const last = cursor.slice(0, DAY_CHARS);
  return day < last || (day === last && organization > cursor.slice(DAY_CHARS + 1));
};

/** null: all. */
function whose(caller: Caller, organization: string | undefined): readonly string[] | null {
  if (organization === undefined) return caller.organizations;
  return mayReach(caller, organization) ? [organization] : [];
}
