import { Body, Controller, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import { ProblemException } from '../http/problem.js';
import { IDEMPOTENCY_HEADER, idempotencyKey } from './idempotency.service.js';
import {
  idPathSchema,
  type IdPath,
  type TaskRequest,
  taskRequestSchema,
  type WaitQuery,
  waitQuerySchema,
} from './requests.js';
import { ResultWaiter } from './result-waiter.js';
import { SubmissionService } from './submission.service.js';
import { taskView, type TaskView, taskViewSchema } from './views.js';

/** Inline code: post it, ask for its result. A task belongs to no organization. */
@ApiTags('tasks')
@Controller('tasks')
export class TasksController {
  constructor(
    private readonly submission: SubmissionService,
    private readonly waiter: ResultWaiter,
  ) {}

  @Post()
  @Access('submit', 'everything')
  @ApiHeader({
    name: 'traceparent',
    required: false,
    description: 'W3C Trace Context: the trace that this is part of',
  })
  @ApiOperation({ operationId: 'submitTask', summary: 'Queue inline code as a task' })
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiAcceptedResponse({ standardSchema: taskViewSchema })
  @ApiOkResponse({ standardSchema: taskViewSchema })
  async submit(
    @CalledBy() caller: Caller,
    @Body({ schema: taskRequestSchema }) request: TaskRequest,
    @Query({ schema: waitQuerySchema }) { wait }: WaitQuery,
    @Headers('traceparent') traceparent: string | undefined,
    @Headers('idempotency-key') key: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TaskView> {
    const headers = { caller, traceparent, idempotencyKey: idempotencyKey(key, caller) };
    const { id, isReplayed } = await this.submission.submitTask(request, headers);
    reply.header('location', `/tasks/${encodeURIComponent(id)}`);
    if (isReplayed) reply.header('idempotency-replayed', 'true');
    // Redis may become unreachable while the client waits; the task is still accepted.
    const result = wait > 0 ? await this.waiter.waitFor(id, wait, reply).catch(() => null) : null;
    reply.status(result === null ? 202 : 200);
    return result ? taskView(id, { state: 'ended', result }) : { id, status: 'queued' };
  }

  @Get(':id')
  @Access('read', 'execution')
  @ApiOperation({ operationId: 'getTask', summary: 'How far a task is, and its result' })
  @ApiOkResponse({ standardSchema: taskViewSchema })
  async find(
    @Param({ schema: idPathSchema }) { id }: IdPath,
    @Query({ schema: waitQuerySchema }) { wait }: WaitQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TaskView> {
    const progress = await this.waiter.find(id, wait, reply);
    if (progress.state === 'unknown') {
      throw new ProblemException(
        'not-found',
        `There is no task ${id}: it was never submitted, or its result expired`,
      );
    }
    return taskView(id, progress);
  }
}
