import { Module } from '@nestjs/common';
import { HeartbeatService } from './heartbeat.service.js';
import { WorkerCommands } from './worker-commands.js';
import { WorkerRegistry } from './worker-registry.js';
import { WorkerStateHolder } from './worker-state.js';
import { WorkerStatistics } from './worker-statistics.js';

const services = [HeartbeatService, WorkerCommands, WorkerRegistry, WorkerStateHolder, WorkerStatistics];

/** The worker's state and its signs of life in Redis. */
@Module({ providers: services, exports: services })
export class HeartbeatModule {}
