import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from '../config/slices.js';
import { VERSION } from '../lib/version.js';
import { OtelTracing } from './otel-tracing.js';

const EXPORT_DELAY_MS = 1_000;
const EXPORT_TIMEOUT_MS = 5_000;

/** Traces that go to a collector, and their end. */
export interface Exporting {
  tracing: OtelTracing;
  /** Sends what is left; rejects when the collector does not take it. */
  stop(): Promise<void>;
}

/** Sends traces to the collector of the settings. Loaded only where tracing is on: the SDK costs time and memory. */
export function exportTraces(settings: TracingSettings): Exporting {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': settings.serviceName,
      'service.version': VERSION,
      'service.instance.id': settings.workerId,
    }),
    // The program that began the trace has decided whether it is recorded.
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(settings.sampled) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({
          url: `${settings.endpoint?.replace(/\/$/, '')}/v1/traces`,
          headers: headersOf(settings.headers),
          timeoutMillis: EXPORT_TIMEOUT_MS,
        }),
        scheduledDelayMillis: EXPORT_DELAY_MS,
      }),
    ],
  });
  const tracing = new OtelTracing(provider.getTracer('bifrost-worker', VERSION));
  return { tracing, stop: () => provider.shutdown() };
}

/** `name=value,name=value`, values percent-encoded, as OpenTelemetry writes them. */
function headersOf(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').map((pair) => pair.split(/=(.*)/s, 2) as [string, string?]);
  return Object.fromEntries(
    pairs.flatMap(([name, value]) =>
      value === undefined ? [] : [[name.trim(), decodeURIComponent(value.trim())]],
    ),
  );
}
