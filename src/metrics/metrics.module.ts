import { type DynamicModule, Module } from '@nestjs/common';
import type { Roles } from '../config/settings.js';
import { ExecutorModule } from '../executor/executor.module.js';
import { HeartbeatModule } from '../heartbeat/heartbeat.module.js';
import { VERSION } from '../lib/version.js';
import { ArchiveGauges, ArchiveWriterGauges } from './archive-gauges.js';
import { Instruments } from './instruments.js';
import { MetricsController } from './metrics.controller.js';
import { QueueGauges } from './queue-gauges.js';
import { MeasurementCounters } from './measurement-counters.js';
import { WorkerGauges } from './worker-gauges.js';

/** `GET /metrics`. It imports the other parts; none imports it. */
@Module({})
export class MetricsModule {
  /** The application's own modules; `queue` is undefined where no role needs one. */
  static register(
    roles: Roles,
    { queue, archive }: { queue: DynamicModule | undefined; archive: DynamicModule },
  ): DynamicModule {
    const works = roles.includes('worker');
    return {
      module: MetricsModule,
      imports: [...(works ? [ExecutorModule, HeartbeatModule] : []), ...(queue ? [queue] : []), archive],
      controllers: [MetricsController],
      providers: [
        { provide: Instruments, useFactory: openInstruments },
        MeasurementCounters,
        ArchiveGauges,
        ...(roles.includes('archive') ? [ArchiveWriterGauges] : []),
        ...(works ? [WorkerGauges] : []),
        ...(queue ? [QueueGauges] : []),
      ],
    };
  }
}

function openInstruments(): Instruments {
  const instruments = new Instruments();
  instruments.watchProcess();
  instruments.set('build', 1, { version: VERSION, node: process.versions.node });
  return instruments;
}
