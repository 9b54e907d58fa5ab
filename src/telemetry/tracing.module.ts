import { type DynamicModule, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { TracingSettings } from '../config/slices.js';
import { waitAtMost } from '../lib/time-limit.js';
import { useTracing } from './tracing.js';
import type { Exporting } from './otlp.js';

const EXPORTING = Symbol('Exporting');
const FLUSH_MS = 2_000;

/** Traces by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT names a collector: docs/tracing.md. */
@Module({})
export class TracingModule implements OnApplicationShutdown {
  constructor(@Inject(EXPORTING) private readonly exporting: Exporting | null) {}

  static async register(settings: TracingSettings): Promise<DynamicModule> {
    const isOn = settings.endpoint !== undefined;
    const exporting = isOn ? (await import('./otlp.js')).exportTraces(settings) : null;
    useTracing(exporting?.tracing ?? null);
    return { module: TracingModule, providers: [{ provide: EXPORTING, useValue: exporting }] };
  }

  /** A collector that is away does not delay the end. */
  async onApplicationShutdown(): Promise<void> {
    useTracing(null);
    if (this.exporting)
      await waitAtMost(
        this.exporting.stop().catch(() => undefined),
        FLUSH_MS,
      );
  }
}
