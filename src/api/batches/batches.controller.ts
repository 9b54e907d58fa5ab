import { Body, Controller, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { IDEMPOTENCY_HEADER, idempotencyKey } from '../executions/idempotency.service.js';
import { type IdPath, idPathSchema } from '../executions/requests.js';
import {
  type BatchAccepted,
  batchAcceptedSchema,
  type BatchRequest,
  batchRequestSchema,
  type BatchView,
  batchViewSchema,
} from './batch-requests.js';
import { BatchService } from './batch.service.js';

/** Many executions with one request. */
@ApiTags('executions')
@Controller()
export class BatchesController {
  constructor(private readonly batches: BatchService) {}

  /** 202 with an entry for each; 400 where all were wanted and one is refused. */
  @Post('executions/batch')
  @Access('submit', 'own')
  @HttpCode(202)
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({ operationId: 'submitBatch', summary: 'Queue up to 1,000 executions at once' })
  @ApiAcceptedResponse({ standardSchema: batchAcceptedSchema })
  submit(
    @CalledBy() caller: Caller,
    @Body({ schema: batchRequestSchema }) batch: BatchRequest,
    @Headers('traceparent') traceparent: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
  ): Promise<BatchAccepted> {
    return this.batches.submit(batch, { caller, traceparent, idempotencyKey: idempotencyKey(key, caller) });
  }

  @Get('batches/:id')
  @Access('read', 'batch')
  @ApiOperation({ operationId: 'getBatch', summary: 'How many executions of a batch have ended, and how' })
  @ApiOkResponse({ standardSchema: batchViewSchema })
  find(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<BatchView> {
    return this.batches.find(id);
  }
}
