import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { type HealthIndicatorResult, TerminusModule } from '@nestjs/terminus';
import type { Roles } from '../config/settings.js';
import { ExecutorModule } from '../executor/executor.module.js';
import { HeartbeatModule } from '../heartbeat/heartbeat.module.js';
import { ArchiveIndicator } from './archive.indicator.js';
import { CapacityIndicator } from './capacity.indicator.js';
import { CompilerIndicator } from './compiler.indicator.js';
import { ConsumptionIndicator } from './consumption.indicator.js';
import { HealthController } from './health.controller.js';
import { HeartbeatIndicator } from './heartbeat.indicator.js';
import { IsolationIndicator } from './isolation.indicator.js';
import { PackagesIndicator } from './packages.indicator.js';
import { LIVENESS, READINESS, type Readiness } from './probes.js';
import { RedisIndicator } from './redis.indicator.js';
import { ResultQueueIndicator } from './result-queue.indicator.js';
import { StateIndicator } from './state.indicator.js';

interface Indicator {
  check(): HealthIndicatorResult | Promise<HealthIndicatorResult>;
}

const WORKER_INDICATORS = [
  StateIndicator,
  HeartbeatIndicator,
  CapacityIndicator,
  CompilerIndicator,
  ConsumptionIndicator,
  IsolationIndicator,
  PackagesIndicator,
];

/** The probes `/health`, `/health/live` and `/health/ready`. */
@Module({})
export class HealthModule {
  /**
   * The application's own modules: second ones would read the queue and write the archive a second
   * time. `queue` and `worker` are undefined where no role needs them.
   */
  static register(
    roles: Roles,
    {
      queue,
      worker,
      archive,
    }: {
      queue: DynamicModule | undefined;
      worker: DynamicModule | undefined;
      archive: DynamicModule;
    },
  ): DynamicModule {
    const works = roles.includes('worker');
    const indicators = [
      RedisIndicator,
      ArchiveIndicator,
      ...(works ? WORKER_INDICATORS : []),
      ...(queue ? [ResultQueueIndicator] : []),
    ];
    const readiness: Provider = {
      provide: READINESS,
      inject: indicators,
      useFactory: (...parts: Indicator[]): Readiness => parts.map((part) => () => part.check()),
    };
    const liveness: Provider = {
      provide: LIVENESS,
      inject: works ? [ConsumptionIndicator] : [],
      useFactory: (consumption?: ConsumptionIndicator): Readiness =>
        consumption ? [() => consumption.alive()] : [],
    };
    return {
      module: HealthModule,
      imports: [
        TerminusModule.forRoot({ logger: false }),
        ...(worker ? [ExecutorModule, HeartbeatModule, worker] : []),
        ...(queue ? [queue] : []),
        archive,
      ],
      controllers: [HealthController],
      providers: [...indicators, readiness, liveness],
    };
  }
}
