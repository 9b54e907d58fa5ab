import { Body, Controller, Delete, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { ExecutionResult } from '../../contract/result.js';
import { CancelService } from '../../queue/cancel.service.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { ExecutionLookup } from './execution-lookup.service.js';
import { IDEMPOTENCY_HEADER, idempotencyKey } from './idempotency.service.js';
import { ProblemException } from '../http/problem.js';
import { withinSearch } from '../http/redis-bound.js';
import {
  type CancelQuery,
  cancelQuerySchema,
  type ExecutionRequest,
  executionRequestSchema,
  idPathSchema,
  type IdPath,
  type WaitQuery,
  waitQuerySchema,
} from './requests.js';
import { ResultWaiter } from './result-waiter.js';
import { SubmissionService } from './submission.service.js';
import { executionView, type ExecutionView, executionViewSchema } from './views.js';

/** Executions: a context document in, a result document out. */
@ApiTags('executions')
@Controller('executions')
export class ExecutionsController {
  constructor(
    private readonly submission: SubmissionService,
    private readonly lookup: ExecutionLookup,
    private readonly waiter: ResultWaiter,
    private readonly cancels: CancelService,
  ) {}

  /** 202 at once, or 200 with the result when it is there within `wait` seconds. */
  @Post()
  @Access('submit', 'own')
  @ApiHeader({
    name: 'traceparent',
    required: false,
    description: 'W3C Trace Context: the trace that this is part of',
  })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({
    operationId: 'submitExecution',
    summary: 'Queue an execution, and wait for its result if you like',
  })
  @ApiAcceptedResponse({ standardSchema: executionViewSchema })
  @ApiOkResponse({ standardSchema: executionViewSchema })
  async submit(
    @CalledBy() caller: Caller,
    @Body({ schema: executionRequestSchema }) request: ExecutionRequest,
    @Query({ schema: waitQuerySchema }) { wait }: WaitQuery,
    @Headers('traceparent') traceparent: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExecutionView> {
    const headers = { caller, traceparent, idempotencyKey: idempotencyKey(key, caller) };
    const { id, status, isReplayed } = await this.submission.submitExecution(request, headers);
    reply.header('location', `/executions/${encodeURIComponent(id)}`);
    if (isReplayed) reply.header('idempotency-replayed', 'true');
    // Redis may become unreachable while the client waits; the execution is still accepted.
    const result = wait > 0 ? await this.waiter.waitFor(id, wait, reply).catch(() => null) : null;
    reply.status(result === null ? 202 : 200);
    if (result || wait === 0) return result ?? { execution_id: id, status };
    const progress = await this.lookup.find(id).catch(() => null);
    return progress === null || progress.state === 'unknown'
      ? { execution_id: id, status }
      : executionView(id, progress);
  }

  /** How far it is; with `wait`, once it has ended or the seconds are over. */
  @Get(':id')
  @Access('read', 'execution')
  @ApiOperation({ operationId: 'getExecution', summary: 'How far an execution is, and its result' })
  @ApiOkResponse({ standardSchema: executionViewSchema })
  async find(
    @Param({ schema: idPathSchema }) { id }: IdPath,
    @Query({ schema: waitQuerySchema }) { wait }: WaitQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExecutionView> {
    const progress = await this.waiter.find(id, wait, reply);
    if (progress.state === 'unknown') throw unknownExecution(id);
    return executionView(id, progress);
  }

  /**
   * Cancels it. 200 with the result when it is over, 202 while its worker ends it (`wait` waits for
   * that), 409 when it had ended otherwise: then nothing was changed.
   */
  @Delete(':id')
  @Access('submit', 'execution')
  @ApiOperation({ operationId: 'cancelExecution', summary: 'Cancel an execution' })
  @ApiOkResponse({ standardSchema: executionViewSchema })
  @ApiAcceptedResponse({ standardSchema: executionViewSchema })
  async cancel(
    @Param({ schema: idPathSchema }) { id }: IdPath,
    @Query({ schema: cancelQuerySchema }) { reason, wait }: CancelQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ExecutionView> {
    const answer = await withinSearch(this.cancels.cancel(id, reason ?? null), NOT_CANCELLED);
    if (answer.kind === 'unknown') throw unknownExecution(id);
    const over = answer.kind === 'signalled' ? null : await this.lookup.findResult(id);
    const result = over ?? (wait > 0 ? await this.waiter.waitFor(id, wait, reply) : null);
    if (result) return cancelledOnly(result);
    const progress = await this.lookup.find(id);
    if (progress.state === 'unknown') throw unknownExecution(id);
    if (progress.state === 'ended') return cancelledOnly(progress.result);
    reply.status(202);
    return executionView(id, progress);
  }
}

const NOT_CANCELLED =
  'Redis does not answer. Whether the execution is cancelled is not known: ask for it later, or cancel it again';

export const unknownExecution = (id: string): ProblemException =>
  new ProblemException(
    'not-found',
    `There is no execution ${id}: it was never submitted, or its result expired`,
  );

/**
 * The result, if it says what a client wants that cancels, however often it does.
 * @throws {ProblemException} 409 for one that ended otherwise.
 */
function cancelledOnly(result: ExecutionResult): ExecutionResult {
  if (result.status === 'cancelled') return result;
  const { execution_id: id, status, finished_at: at } = result;
  throw new ProblemException(
    'ended',
    `Execution ${id} has ended already, at ${at} (${status.replaceAll('_', ' ')}); nothing was changed`,
    { members: { execution_id: id, execution_status: status, finished_at: at } },
  );
}
