import { Controller, Get, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Listing, listingSchema } from '../../contract/api/listing.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { visibleTo } from '../access/visible-to.js';
import { type ListQuery, listQuerySchema } from './list-requests.js';
import { ListService } from './list.service.js';

/** The one list of executions, whatever their state. */
@ApiTags('executions')
@Controller('executions')
export class ListController {
  constructor(private readonly executions: ListService) {}

  /** What runs, waits, is delayed and has ended, each newest first, a page at a time. */
  @Get()
  @Access('read', 'own')
  @ApiOperation({
    operationId: 'listExecutions',
    summary: 'Executions: running, queued, delayed and ended, newest first',
  })
  @ApiOkResponse({ standardSchema: listingSchema })
  list(@CalledBy() caller: Caller, @Query({ schema: listQuerySchema }) query: ListQuery): Promise<Listing> {
    return this.executions.list(visibleTo(caller, query));
  }
}
