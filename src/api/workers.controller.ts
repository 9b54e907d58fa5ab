import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { WorkerRegistry } from '../heartbeat/worker-registry.js';
import { withinRedisLimit } from './redis-bound.js';
import { type WorkersView, workersViewSchema } from './views.js';

/** The workers that are alive. */
@ApiTags('workers')
@Controller('workers')
export class WorkersController {
  constructor(private readonly registry: WorkerRegistry) {}

  @Get()
  @ApiOkResponse({ standardSchema: workersViewSchema })
  async list(): Promise<WorkersView> {
    return { workers: await withinRedisLimit(this.registry.list()) };
  }
}
