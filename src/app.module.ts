import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { ApiModule } from './api/api.module.js';
import { ArchiveModule } from './archive/archive.module.js';
import { ConfigModule } from './config/config.module.js';
import { loggingParams } from './config/logging.js';
import type { Settings } from './config/settings.js';
import { ContextModule } from './context/context.module.js';
import { ExecutorModule } from './executor/executor.module.js';
import { HealthModule } from './health/health.module.js';
import { HeartbeatModule } from './heartbeat/heartbeat.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PackagesModule } from './packages/packages.module.js';
import { QueueModule } from './queue/queue.module.js';
import { bullRoot } from './redis/bull.module.js';
import { RedisModule } from './redis/redis.module.js';
import { TracingModule } from './telemetry/tracing.module.js';
import { WorkerModule } from './worker/worker.module.js';

/** The worker application: which modules it has follows from its roles. */
@Module({})
export class AppModule {
  static register(settings: Settings): DynamicModule {
    const { ROLES: roles } = settings;
    const works = roles.includes('worker');
    const queue = works || roles.includes('api') ? QueueModule.register(settings) : undefined;
    const worker = works && queue ? WorkerModule.register(settings, queue) : undefined;
    const archive = ArchiveModule.register(settings);
    return {
      module: AppModule,
      imports: [
        ConfigModule.register(settings),
        TracingModule.register(settings),
        LoggerModule.forRoot(loggingParams(settings)),
        RedisModule.register(),
        ...(queue ? [bullRoot(), queue] : []),
        ...(worker ? [ContextModule, PackagesModule, ExecutorModule, HeartbeatModule, worker] : []),
        archive,
        HealthModule.register(settings, { queue, worker, archive }),
        MetricsModule.register(settings, { queue, archive }),
        ...(queue && roles.includes('api') ? [ApiModule.register(settings, { queue, archive })] : []),
      ],
    };
  }
}
