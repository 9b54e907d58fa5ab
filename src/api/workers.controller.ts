import { Controller, Get, HttpCode, Inject, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { ALL_WORKERS, type ControlCommand, type ControlMessage } from '../contract/control.js';
import { WorkerRegistry } from '../heartbeat/worker-registry.js';
import type { RedisClient } from '../redis/connections.js';
import { RedisKeys } from '../redis/keys.js';
import { IMPATIENT_REDIS } from '../redis/redis.module.js';
import { ProblemException } from './problem.js';
import { withinRedisLimit } from './redis-bound.js';
import { type ControlView, controlViewSchema, type WorkersView, workersViewSchema } from './views.js';

/** The workers that are alive, and what an operator may tell them. */
@ApiTags('workers')
@Controller('workers')
export class WorkersController {
  constructor(
    private readonly registry: WorkerRegistry,
    @Inject(IMPATIENT_REDIS) private readonly redis: RedisClient,
    private readonly keys: RedisKeys,
  ) {}

  @Get()
  @ApiOkResponse({ standardSchema: workersViewSchema })
  async list(): Promise<WorkersView> {
    return { workers: await withinRedisLimit(this.registry.list()) };
  }

  /** Takes no new work, finishes what runs, stops. `all`: every worker. */
  @Post(':id/drain')
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  drain(@Param('id') id: string): Promise<ControlView> {
    return this.tell(id, 'drain');
  }

  /** Takes no new work until it is resumed. */
  @Post(':id/pause')
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  pause(@Param('id') id: string): Promise<ControlView> {
    return this.tell(id, 'pause');
  }

  @Post(':id/resume')
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  resume(@Param('id') id: string): Promise<ControlView> {
    return this.tell(id, 'resume');
  }

  /** Replaces its runners: idle ones at once, busy ones after what they run. */
  @Post(':id/recycle')
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: controlViewSchema })
  recycle(@Param('id') id: string): Promise<ControlView> {
    return this.tell(id, 'recycle');
  }

  private async tell(id: string, command: ControlCommand): Promise<ControlView> {
    const known = (await withinRedisLimit(this.registry.list())).map((worker) => worker.id);
    if (id !== ALL_WORKERS && !known.includes(id)) {
      const names = known.length > 0 ? `there are: ${known.join(', ')}` : 'there is none';
      throw new ProblemException('not-found', `No worker ${id} is alive; ${names}`);
    }
    const message: ControlMessage = { command };
    await withinRedisLimit(this.redis.publish(this.keys.controlChannel(id), JSON.stringify(message)));
    return { command, workers: id === ALL_WORKERS ? known : [id] };
  }
}
