import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { ApiModule } from './api/api.module.js';
import { ArchiveModule } from './archive/archive.module.js';
import { ConfigModule } from './config/config.module.js';
import { loggingParams } from './config/log/logging.js';
import type { Settings } from './config/settings.js';
import {
  archiveSettings,
  queueSettings,
  resultSettings,
  tracingSettings,
  workerSettings,
} from './config/slices.js';
import { ContextModule } from './context/context.module.js';
import { ExecutorModule } from './executor/executor.module.js';
import { HealthModule } from './health/health.module.js';
import { HeartbeatModule } from './heartbeat/heartbeat.module.js';
import { MetricsModule } from './metrics/metrics.module.js';
import { PackagesModule } from './packages/packages.module.js';
import { QueueModule } from './queue/queue.module.js';
import { bullRoot } from './redis/bull.module.js';
import { RedisModule } from './redis/redis.module.js';
import { TenantsModule } from './tenants/tenants.module.js';
import { TracingModule } from './telemetry/tracing.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';
import { WorkerModule } from './worker/worker.module.js';

/** The worker application: which modules it has follows from its roles. */
@Module({})
export class AppModule {
  static register(settings: Settings): DynamicModule {
    const { ROLES: roles } = settings;
    const works = roles.includes('worker');
    const queue =
      works || roles.includes('api')
        ? QueueModule.register(queueSettings.of(settings), resultSettings.of(settings))
        : undefined;
    const worker = works && queue ? WorkerModule.register(workerSettings.of(settings), queue) : undefined;
    const archive = ArchiveModule.register(archiveSettings.of(settings));
    return {
      module: AppModule,
      imports: [
        ConfigModule.register(settings),
        TracingModule.register(tracingSettings.of(settings)),
        LoggerModule.forRoot(loggingParams(settings)),
        RedisModule.register(),
        TenantsModule,
        ...(queue ? [bullRoot(), queue] : []),
        ...(worker ? [ContextModule, PackagesModule, ExecutorModule, HeartbeatModule, worker] : []),
        ...(worker && queue ? [WebhooksModule.register(queue)] : []),
        archive,
        HealthModule.register(roles, { queue, worker, archive }),
        MetricsModule.register(roles, { queue, archive }),
        ...(queue && roles.includes('api') ? [ApiModule.register({ queue, archive })] : []),
      ],
    };
  }
}
