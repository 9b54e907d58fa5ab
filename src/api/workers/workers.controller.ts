import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { ALL_WORKERS, type ControlCommand } from '../../contract/control.js';
import { WorkerCommands } from '../../heartbeat/worker-commands.js';
import { WorkerRegistry } from '../../heartbeat/worker-registry.js';
import { Access } from '../../tenants/access/access.decorator.js';
import { ProblemException } from '../http/problem.js';
import { withinRedisLimit } from '../http/redis-bound.js';
import { type RecycleQuery, recycleQuerySchema } from '../executions/requests.js';
import {
  type ControlView,
  controlViewSchema,
  type WorkersView,
  workersViewSchema,
} from '../executions/views.js';

/**
 * The workers that are alive, and the commands of operators to them. A command for the id `all` goes to
 * every worker; `answers` says which carried it out.
 */
@ApiTags('workers')
@Controller('workers')
export class WorkersController {
  constructor(
    private readonly registry: WorkerRegistry,
    private readonly commands: WorkerCommands,
  ) {}

  @Get()
  @Access('read', 'everything')
  @ApiOperation({ operationId: 'listWorkers', summary: 'The workers that are alive' })
  @ApiOkResponse({ standardSchema: workersViewSchema })
  async list(): Promise<WorkersView> {
    return { workers: await withinRedisLimit(this.registry.listWithCounts()) };
  }

  /** Takes no new work, finishes what runs, stops. `all`: every worker. */
  @Post(':id/drain')
  @Access('operate', 'everything')
  @ApiOperation({
    operationId: 'drainWorkers',
    summary: 'Drain a worker, or all: finish what runs, then stop',
  })
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  drain(@Param('id') id: string): Promise<ControlView> {
    return this.sendCommand(id, 'drain');
  }

  /** Takes no new work until it is resumed. */
  @Post(':id/pause')
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'pauseWorkers', summary: 'Pause a worker, or all: take no new work' })
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  pause(@Param('id') id: string): Promise<ControlView> {
    return this.sendCommand(id, 'pause');
  }

  @Post(':id/resume')
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'resumeWorkers', summary: 'Resume a worker, or all: take work again' })
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  resume(@Param('id') id: string): Promise<ControlView> {
    return this.sendCommand(id, 'resume');
  }

  /** Replaces its runners, or the one with this `pid`: idle ones at once, busy ones after what they run. */
  @Post(':id/recycle')
  @Access('operate', 'everything')
  @ApiOperation({ operationId: 'recycleWorkers', summary: 'Replace the runners of a worker, or of all' })
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  recycle(
    @Param('id') id: string,
    @Query({ schema: recycleQuerySchema }) { pid }: RecycleQuery,
  ): Promise<ControlView> {
    return pid === undefined ? this.sendCommand(id, 'recycle') : this.sendCommand(id, 'recycle_runner', pid);
  }

  private async sendCommand(id: string, command: ControlCommand, pid?: number): Promise<ControlView> {
    const known = (await withinRedisLimit(this.registry.list())).map((worker) => worker.id);
    if (id !== ALL_WORKERS && !known.includes(id)) {
      const names = known.length > 0 ? `there are: ${known.join(', ')}` : 'there is none';
      throw new ProblemException('not-found', `No worker ${id} is alive; ${names}`);
    }
    const targets = id === ALL_WORKERS ? known : [id];
    const message = { command, ...(pid === undefined ? {} : { pid }) };
    const answers = await withinRedisLimit(
      this.commands.send(id, targets, message),
      undefined,
      ANSWER_LIMIT_MS,
    );
    return { command, workers: targets, answers };
  }
}

/** Longer than workers have for their answers. */
const ANSWER_LIMIT_MS = 5_000;
