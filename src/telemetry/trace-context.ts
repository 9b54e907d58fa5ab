import { type Context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { formatTraceparent, parseTraceparent } from '../contract/traceparent.js';

/** A context whose active span belongs to another program. */
export function contextOf(traceparent: string | null): Context {
  const place = parseTraceparent(traceparent);
  if (place === null) return ROOT_CONTEXT;
  const { traceId, spanId, flags } = place;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: flags, isRemote: true });
}

/** `traceparent` of the span that is active in a context; null: none is. */
export function traceparentIn(context: Context): string | null {
  const span = trace.getSpanContext(context);
  return span ? formatTraceparent({ ...span, flags: span.traceFlags }) : null;
}
