import { Readable } from 'node:stream';
import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ArchiveReader } from '../../archive/read/archive-reader.js';
import { StatisticsReader } from '../../archive/read/statistics-reader.js';
import { type Statistics, statisticsSchema } from '../../contract/history.js';
import type { ExecutionResult } from '../../contract/result.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { visibleTo } from '../access/visible-to.js';
import { withinArchive } from './archive-bound.js';
import {
  daysOf,
  type ExportQuery,
  exportQuerySchema,
  type StatisticsQuery,
  statisticsQuerySchema,
} from './history-requests.js';

/** The history: executions that have ended, from the archive's database. */
@ApiTags('history')
@Controller('executions')
export class HistoryController {
  constructor(
    private readonly archive: ArchiveReader,
    private readonly statistics: StatisticsReader,
  ) {}

  /** Counts and durations by day, workflow and status. */
  @Get('stats')
  @Access('read', 'own')
  @ApiOperation({ operationId: 'getStatistics', summary: 'Counts and durations of executions by day' })
  @ApiOkResponse({ standardSchema: statisticsSchema })
  stats(
    @CalledBy() caller: Caller,
    @Query({ schema: statisticsQuerySchema }) { since, until, ...question }: StatisticsQuery,
  ): Promise<Statistics> {
    return withinArchive(
      this.statistics.read({ ...visibleTo(caller, question), ...daysOf({ since, until }, new Date()) }),
    );
  }

  /**
   * Whole result documents, oldest first, one a line; the header x-total-count says how many. An error
   * on the way breaks the connection: an answer that ends well is complete.
   */
  @Get('export')
  @Access('read', 'own')
  @ApiOperation({ operationId: 'exportExecutions', summary: 'Whole result documents, one a line' })
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({
    description: 'One result document a line, oldest first',
    schema: { type: 'string' },
    headers: { 'x-total-count': { description: 'How many there are', schema: { type: 'integer' } } },
  })
  async export(
    @CalledBy() caller: Caller,
    @Query({ schema: exportQuerySchema }) query: ExportQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    // The export leaves out what is archived from now on, so that it ends.
    const filter = { ...visibleTo(caller, query), until: query.until ?? new Date() };
    const total = await withinArchive(this.archive.count(filter));
    await reply
      .header('content-type', 'application/x-ndjson; charset=utf-8')
      .header('x-total-count', total)
      .send(Readable.from(lines(this.archive.export(filter))));
  }
}

async function* lines(documents: AsyncIterable<ExecutionResult>): AsyncGenerator<string> {
  for await (const document of documents) yield `${JSON.stringify(document)}\n`;
}
