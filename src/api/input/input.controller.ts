import { Controller, Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { type Input, inputSchema } from '../../contract/api/input.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { type IdPath, idPathSchema } from '../executions/requests.js';
import { InputService } from './input.service.js';

/** What an execution was asked to run. */
@ApiTags('executions')
@Controller('executions')
export class InputController {
  constructor(private readonly input: InputService) {}

  @Get(':id/input')
  @Access('read', 'execution')
  @ApiOperation({
    operationId: 'getExecutionInput',
    summary: 'What an execution was asked to run, without its secrets',
  })
  @ApiOkResponse({ standardSchema: inputSchema })
  find(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<Input> {
    return this.input.find(id);
  }
}
