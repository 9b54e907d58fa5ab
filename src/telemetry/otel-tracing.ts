import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api';
import type { Span, SpanStart, Tracing } from './tracing.js';
import { BullTelemetry } from './bull-telemetry.js';
import { contextOf, traceparentIn } from './trace-context.js';

const KINDS = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

/** Records traces with an OpenTelemetry tracer. Nothing is registered globally. */
export class OtelTracing implements Tracing {
  readonly bull: BullTelemetry;
  private readonly storage = new AsyncLocalStorage<Context>();

  constructor(private readonly tracer: Tracer) {
    this.bull = new BullTelemetry(tracer, this);
  }

  /** The context in which the caller runs. */
  get context(): Context {
    return this.storage.getStore() ?? ROOT_CONTEXT;
  }

  start(name: string, { kind = 'internal', parent, attributes = {}, startMs }: SpanStart = {}): TracedSpan {
    const span = this.tracer.startSpan(
      name,
      { kind: KINDS[kind], attributes, ...(startMs === undefined ? {} : { startTime: startMs }) },
      parent === undefined ? this.context : contextOf(parent),
    );
    return new TracedSpan(span, this.tracer);
  }

  within<T>(span: Span, work: () => T): T {
    return span instanceof TracedSpan ? this.withContext(span.inContext(this.context), work) : work();
  }

  withContext<T>(context: Context, work: () => T): T {
    return this.storage.run(context, work);
  }
}

class TracedSpan implements Span {
  constructor(
    private readonly span: OtelSpan,
    private readonly tracer: Tracer,
  ) {}

  get traceparent(): string | null {
    return traceparentIn(this.inContext(ROOT_CONTEXT));
  }

  inContext(context: Context): Context {
    return trace.setSpan(context, this.span);
  }

  set(name: string, value: string | number | boolean): void {
    this.span.setAttribute(name, value);
  }

  fail(why: string): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR, message: why });
  }

  child(name: string, startMs: number, endMs: number): void {
    this.tracer.startSpan(name, { startTime: startMs }, this.inContext(ROOT_CONTEXT)).end(endMs);
  }

  end(): void {
    this.span.end();
  }
}
