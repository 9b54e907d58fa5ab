import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import {
  type RemovedSchedule,
  removedScheduleSchema,
  type Schedule,
  type ScheduleRun,
  scheduleRunSchema,
  scheduleSchema,
  type Schedules,
  schedulesSchema,
} from '../../contract/api/schedules.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { CalledBy, type Caller } from '../../tenants/access/caller.js';
import {
  newSchedulePathSchema,
  type SchedulePath,
  schedulePathSchema,
  type ScheduleRequest,
  scheduleRequestSchema,
  type SchedulesQuery,
  schedulesQuerySchema,
} from './schedule-requests.js';
import { SchedulesService } from './schedules.service.js';

/** What runs again and again. `GET /executions?schedule=ID` lists the executions of a schedule. */
@ApiTags('schedules')
@Controller('schedules')
export class SchedulesController {
  constructor(private readonly schedules: SchedulesService) {}

  /** Those that were set here and every other job scheduler of the queue, by id. */
  @Get()
  @Access('read', 'own')
  @ApiOperation({ operationId: 'listSchedules', summary: 'All schedules, and when each ticks next' })
  @ApiOkResponse({ standardSchema: schedulesSchema })
  list(
    @CalledBy() caller: Caller,
    @Query({ schema: schedulesQuerySchema }) query: SchedulesQuery,
  ): Promise<Schedules> {
    return this.schedules.list(query, caller);
  }

  @Get(':id')
  @Access('read', 'schedule')
  @ApiOperation({ operationId: 'getSchedule', summary: 'A schedule, and when it ticks next' })
  @ApiOkResponse({ standardSchema: scheduleSchema })
  find(@Param({ schema: schedulePathSchema }) { id }: SchedulePath): Promise<Schedule> {
    return this.schedules.find(id);
  }

  /** The whole schedule: what is left out is as in a new one, except `paused`. */
  @Put(':id')
  @Access('operate', 'schedule')
  @ApiOperation({ operationId: 'setSchedule', summary: 'Set a schedule, or change it' })
  @ApiOkResponse({ standardSchema: scheduleSchema })
  set(
    @CalledBy() caller: Caller,
    @Param({ schema: newSchedulePathSchema }) { id }: SchedulePath,
    @Body({ schema: scheduleRequestSchema }) request: ScheduleRequest,
  ): Promise<Schedule> {
    return this.schedules.set(id, request, caller);
  }

  /** Ticks that were due before still run; the history stays. */
  @Delete(':id')
  @Access('operate', 'schedule')
  @ApiOperation({ operationId: 'removeSchedule', summary: 'Remove a schedule' })
  @ApiOkResponse({ standardSchema: removedScheduleSchema })
  async remove(@Param({ schema: schedulePathSchema }) { id }: SchedulePath): Promise<RemovedSchedule> {
    await this.schedules.remove(id);
    return { id, removed: true };
  }

  /** One more tick, due now, also of a schedule that is paused. Its `overlap` counts for it, too. */
  @Post(':id/run')
  @Access('submit', 'schedule')
  @HttpCode(202)
  @ApiOperation({ operationId: 'runSchedule', summary: 'Have a schedule tick now' })
  @ApiAcceptedResponse({ standardSchema: scheduleRunSchema })
  async run(
    @Param({ schema: schedulePathSchema }) { id }: SchedulePath,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ScheduleRun> {
    const executionId = await this.schedules.run(id);
    reply.header('location', `/executions/${encodeURIComponent(executionId)}`);
    return { schedule: id, execution_id: executionId, status: 'queued' };
  }

  /** It does not tick until it is resumed. */
  @Post(':id/pause')
  @Access('operate', 'schedule')
  @HttpCode(200)
  @ApiOperation({ operationId: 'pauseSchedule', summary: 'Pause a schedule' })
  @ApiOkResponse({ standardSchema: scheduleSchema })
  pause(@Param({ schema: schedulePathSchema }) { id }: SchedulePath): Promise<Schedule> {
    return this.schedules.pause(id);
  }

  /** It ticks from now on; what was due meanwhile does not run. */
  @Post(':id/resume')
  @Access('operate', 'schedule')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeSchedule', summary: 'Resume a schedule that is paused' })
  @ApiOkResponse({ standardSchema: scheduleSchema })
  resume(@Param({ schema: schedulePathSchema }) { id }: SchedulePath): Promise<Schedule> {
    return this.schedules.resume(id);
  }
}
