import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { ApiModule } from './api/api.module.js';
import { ArchiveModule } from './archive/archive.module.js';
import { ConfigModule } from './config/config.module.js';
import { loggingParams } from './config/logging.js';
import type { Settings } from './config/settings.js';
import { HealthModule } from './health/health.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { QueueModule } from './queue/queue.module.js';
import { bullRoot } from './redis/bull.module.js';
import { RedisModule } from './redis/redis.module.js';
import { TracingModule } from './telemetry/tracing.module.js';

/** The worker application: which modules it has follows from its roles. */
@Module({})
export class AppModule {
  static register(settings: Settings): DynamicModule {
    const { ROLES: roles } = settings;
    const queue =
      roles.includes('worker') || roles.includes('api') ? QueueModule.register(settings) : undefined;
    const archive = ArchiveModule.register(settings);
    return {
      module: AppModule,
      imports: [
        ConfigModule.register(settings),
        TracingModule.register(settings),
        LoggerModule.forRoot(loggingParams(settings)),
        RedisModule.register(),
        ...(queue ? [bullRoot(), queue] : []),
        archive,
        HealthModule.register(settings, { queue, archive }),
        MetricsModule.register(settings, { queue, archive }),
        ...(queue && roles.includes('api') ? [ApiModule.register(settings, { queue, archive })] : []),
      ],
    };
  }
}
