import { Body, Controller, Headers, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { IDEMPOTENCY_HEADER, idempotencyKey } from '../executions/idempotency.service.js';
import { type IdPath, idPathSchema } from '../executions/requests.js';
import {
  type AgainRequest,
  againRequestSchema,
  type AgainView,
  againViewSchema,
  type BulkAgainRequest,
  bulkAgainRequestSchema,
  type BulkAgainView,
  bulkAgainViewSchema,
} from './again-requests.js';
import { AgainService } from './again.service.js';
import { BulkAgainService } from './bulk-again.service.js';

/** Executions that ran before, once more. */
@ApiTags('executions')
@Controller('executions')
export class AgainController {
  constructor(
    private readonly again: AgainService,
    private readonly bulk: BulkAgainService,
  ) {}

  @Post('again')
  @Access('submit', 'own')
  @HttpCode(202)
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({
    operationId: 'runExecutionsAgain',
    summary: 'Run all executions again that a filter finds, or say which they are',
  })
  @ApiAcceptedResponse({ standardSchema: bulkAgainViewSchema })
  runMany(
    @CalledBy() caller: Caller,
    @Body({ schema: bulkAgainRequestSchema }) request: BulkAgainRequest,
    @Headers('traceparent') traceparent: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<BulkAgainView> {
    return this.bulk.runAgain(request, { caller, traceparent, idempotencyKey: idempotencyKey(key, caller) });
  }

  /** The new execution has the context of the one before, and names it in `again_of`. */
  @Post(':id/again')
  @Access('submit', 'execution')
  @HttpCode(202)
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({
    operationId: 'runExecutionAgain',
    summary: 'Run an execution that has ended again, as a new one',
  })
  @ApiAcceptedResponse({ standardSchema: againViewSchema })
  async run(
    @CalledBy() caller: Caller,
    @Param({ schema: idPathSchema }) { id }: IdPath,
    @Body({ schema: againRequestSchema }) request: AgainRequest,
    @Headers('traceparent') traceparent: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AgainView> {
    const headers = { caller, traceparent, idempotencyKey: idempotencyKey(key, caller) };
    const { id: again, status } = await this.again.runAgain(id, request, headers);
    reply.header('location', `/executions/${encodeURIComponent(again)}`);
    return { execution_id: again, status, again_of: id };
  }
}
