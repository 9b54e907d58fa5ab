import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  type Organization,
  organizationSchema,
  type Organizations,
  organizationsSchema,
  type RemovedOrganization,
  removedOrganizationSchema,
  unsetOrganization,
} from '../../contract/organization.js';
import { OrganizationStore } from '../../tenants/organizations/organization-store.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller, mayReach } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import {
  type OrganizationId,
  organizationIdSchema,
  type OrganizationRequest,
  organizationRequestSchema,
  type OrganizationsQuery,
  organizationsQuerySchema,
} from './organization-requests.js';

const UNDONE =
  'Redis does not answer. Whether it was set is not known: ask for the organization, or try again';

/** What is set of organizations. One is made by naming it in an execution; a record only changes what holds for it. */
@ApiTags('organizations')
@Controller('organizations')
export class OrganizationsController {
  constructor(private readonly store: OrganizationStore) {}

  @Get()
  @Access('read', 'own')
  @ApiOperation({ operationId: 'listOrganizations', summary: 'The organizations of which something is set' })
  @ApiOkResponse({ standardSchema: organizationsSchema })
  async list(
    @CalledBy() caller: Caller,
    @Query({ schema: organizationsQuerySchema }) { limit, cursor }: OrganizationsQuery,
  ): Promise<Organizations> {
    const ids = (await withinRedisLimit(this.store.ids())).filter((id) => mayReach(caller, id));
    const rest = cursor === undefined ? ids : ids.filter((id) => id > cursor);
    const page = rest.slice(0, limit);
    return {
      organizations: await withinRedisLimit(this.store.findRecords(page)),
      next_cursor: rest.length > page.length ? (page.at(-1) ?? null) : null,
    };
  }

  /** Also of one without a record: `updated_at` is then null, and the defaults hold. */
  @Get(':id')
  @Access('read', 'organization')
  @ApiOperation({ operationId: 'getOrganization', summary: 'What is set of an organization' })
  @ApiOkResponse({ standardSchema: organizationSchema })
  async find(@Param({ schema: organizationIdSchema }) { id }: OrganizationId): Promise<Organization> {
    return (await withinRedisLimit(this.store.findRecord(id))) ?? unsetOrganization(id);
  }

  /** The whole record: what is left out is as in an organization without one. In effect at once. */
  @Put(':id')
  @Access('admin', 'everything')
  @ApiOperation({
    operationId: 'setOrganization',
    summary: 'Set weight, caps, rate, quotas and limits of an organization',
  })
  @ApiOkResponse({ standardSchema: organizationSchema })
  set(
    @Param({ schema: organizationIdSchema }) { id }: OrganizationId,
    @Body({ schema: organizationRequestSchema }) request: OrganizationRequest,
  ): Promise<Organization> {
    return withinRedisLimit(this.store.save(id, request), UNDONE);
  }

  /** Its executions stay; from now on the defaults hold for it. */
  @Delete(':id')
  @Access('admin', 'everything')
  @ApiOperation({ operationId: 'removeOrganization', summary: 'Set nothing of an organization any more' })
  @ApiOkResponse({ standardSchema: removedOrganizationSchema })
  async remove(
    @Param({ schema: organizationIdSchema }) { id }: OrganizationId,
  ): Promise<RemovedOrganization> {
    if (await withinRedisLimit(this.store.remove(id), UNDONE)) return { id, removed: true };
    throw new ProblemException(
      'not-found',
      `There is no record of the organization ${id}: nothing is set of it`,
    );
  }
}
