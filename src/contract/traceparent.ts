/** A place in a trace, as W3C Trace Context writes it (https://www.w3.org/TR/trace-context). */
export interface TracePlace {
  traceId: string;
  spanId: string;
  /** 1: sampled. */
  flags: number;
}

const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(?:-.*)?$/;

/** Reads a `traceparent`; null where there is none that can be used. */
export function parseTraceparent(text: unknown): TracePlace | null {
  const match = typeof text === 'string' ? TRACEPARENT.exec(text) : null;
  if (!match) return null;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & 1 };
}

/** Writes a `traceparent`. */
export const formatTraceparent = ({ traceId, spanId, flags }: TracePlace): string =>
  `00-${traceId}-${spanId}-0${flags & 1}`;

/**
 * The `traceparent` that a BullMQ job carries: under `opts.telemetry.metadata`, as JSON, where BullMQ
 * and its OpenTelemetry adapters put it. null: none, or none that can be used.
 */
export function traceparentOfJob(opts: { telemetry?: { metadata?: string } } | undefined): string | null {
  const metadata = opts?.telemetry?.metadata;
  if (typeof metadata !== 'string') return null;
  try {
    const { traceparent } = JSON.parse(metadata) as { traceparent?: unknown };
    return parseTraceparent(traceparent) === null ? null : (traceparent as string);
  } catch {
    return null;
  }
}
