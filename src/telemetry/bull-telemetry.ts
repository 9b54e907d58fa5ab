import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import { contextOf, traceparentIn } from './trace-context.js';

type BullSpan = ReturnType<Telemetry<Context>['tracer']['startSpan']>;

/** Attributes of a job that may be traced. BullMQ would add results and error messages too, which are user data. */
const SAFE_ATTRIBUTES = /^bullmq\.(queue|worker|job\.(id|name|attempts))/;

/** Where the caller is in a trace, and how work is put somewhere else in it. */
export interface TracePlace {
  readonly context: Context;
  withContext<T>(context: Context, work: () => T): T;
}

/**
 * Carries traces through the jobs of BullMQ: adding a job and processing it are steps of the trace of
 * the request. BullMQ's housekeeping, which would be a trace of its own every few seconds, is none.
 */
export class BullTelemetry implements Telemetry<Context> {
  readonly tracer: Telemetry<Context>['tracer'];
  readonly contextManager: Telemetry<Context>['contextManager'];

  constructor(tracer: Tracer, tracing: TracePlace) {
    this.tracer = {
      startSpan: (name, options, context = tracing.context) =>
        isOfJob(options?.kind) ? jobSpan(tracer, name, options?.kind as number, context) : NO_SPAN,
    };
    this.contextManager = {
      with: (context, work) => tracing.withContext(context, work) as ReturnType<typeof work>,
      active: () => tracing.context,
      root: () => ROOT_CONTEXT,
      getMetadata: (context) => {
        const traceparent = traceparentIn(context);
        return traceparent === null ? '' : JSON.stringify({ traceparent });
      },
      fromMetadata: (_active, metadata) => contextOf(traceparentIn(contextOfMetadata(metadata))),
    };
  }
}

const isOfJob = (kind: number | undefined): boolean =>
  kind === SpanKind.PRODUCER || kind === SpanKind.CONSUMER;

function contextOfMetadata(metadata: string): Context {
  try {
    return contextOf((JSON.parse(metadata) as { traceparent?: string }).traceparent ?? null);
  } catch {
    return ROOT_CONTEXT;
  }
}

function jobSpan(tracer: Tracer, name: string, kind: number, context: Context): BullSpan {
  const span = tracer.startSpan(name, { kind: kind as SpanKind }, context);
  const setAttribute: BullSpan['setAttribute'] = (key, value) => {
    if (SAFE_ATTRIBUTES.test(key) && !Array.isArray(value)) span.setAttribute(key, value);
  };
  return {
    setSpanOnContext: (target) => trace.setSpan(target as Context, span),
    setAttribute,
    setAttributes: (attributes) => {
      for (const [key, value] of Object.entries(attributes))
        if (value !== undefined) setAttribute(key, value);
    },
    addEvent: () => undefined,
    recordException: () => {
      span.setStatus({ code: SpanStatusCode.ERROR });
    },
    end: () => {
      span.end();
    },
  };
}

const NO_SPAN: BullSpan = {
  setSpanOnContext: (context) => context as Context,
  setAttribute: () => undefined,
  setAttributes: () => undefined,
  addEvent: () => undefined,
  recordException: () => undefined,
  end: () => undefined,
};
