import { Body, Controller, Get, Headers, Param, Post, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiHeader, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ExecutionLookup } from './execution-lookup.service.js';
import { ProblemException } from '../http/problem.js';
import { idPathSchema, type IdPath, type TaskRequest, taskRequestSchema } from './requests.js';
import { SubmissionService } from './submission.service.js';
import { taskView, type TaskView, taskViewSchema } from './views.js';

/** Inline code: post it, ask for its result. */
@ApiTags('tasks')
@Controller('tasks')
export class TasksController {
  constructor(
    private readonly submission: SubmissionService,
    private readonly lookup: ExecutionLookup,
  ) {}

  @Post()
  @ApiHeader({
    name: 'traceparent',
    required: false,
    description: 'W3C Trace Context: the trace that this is part of',
  })
  @ApiOperation({ summary: 'Queue inline code as a task' })
  @ApiAcceptedResponse({ standardSchema: taskViewSchema })
  async submit(
    @Body({ schema: taskRequestSchema }) request: TaskRequest,
    @Headers('traceparent') traceparent: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TaskView> {
    const id = await this.submission.submitTask(request, traceparent);
    reply.status(202).header('location', `/tasks/${encodeURIComponent(id)}`);
    return { id, status: 'queued' };
  }

  @Get(':id')
  @ApiOperation({ summary: 'How far a task is, and its result' })
  @ApiOkResponse({ standardSchema: taskViewSchema })
  async find(@Param({ schema: idPathSchema }) { id }: IdPath): Promise<TaskView> {
    const progress = await this.lookup.find(id);
    if (progress.state === 'unknown') {
      throw new ProblemException(
        'not-found',
        `There is no task ${id}: it was never submitted, or its result expired`,
      );
    }
    return taskView(id, progress);
  }
}
