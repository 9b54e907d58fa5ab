import { Controller, Delete, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type ForgetResult, forgottenSchema } from '../../contract/history.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { ForgetService } from './forget.service.js';
import { type OrganizationPath, organizationPathSchema } from '../history/history-requests.js';
import { type IdPath, idPathSchema } from './requests.js';

/** Deleting what was kept of executions that have ended, in Redis and in the archive. */
@ApiTags('history')
@Controller()
export class ForgetController {
  constructor(private readonly forgetting: ForgetService) {}

  /** Removes everything that is kept of one execution. 409 while it has not ended. */
  @Delete('executions/:id/record')
  @Access('operate', 'execution')
  @ApiOperation({ operationId: 'forgetExecution', summary: 'Remove everything that is kept of an execution' })
  @ApiOkResponse({ standardSchema: forgottenSchema })
  forgetOne(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<ForgetResult> {
    return this.forgetting.forgetOne(id);
  }

  /** Removes everything that is kept of the executions of an organization that have ended. */
  @Delete('organizations/:organization/executions')
  @Access('operate', 'organization')
  @ApiOperation({
    operationId: 'forgetOrganization',
    summary: 'Remove everything that is kept of the executions of an organization',
  })
  @ApiOkResponse({ standardSchema: forgottenSchema })
  forgetOrganization(
    @Param({ schema: organizationPathSchema }) { organization }: OrganizationPath,
  ): Promise<ForgetResult> {
    return this.forgetting.forgetOrganization(organization);
  }
}
