import type { Telemetry } from 'bullmq';

type AttributeValue = string | number | boolean;

/** How a span begins. */
export interface SpanStart {
  kind?: 'server' | 'internal';
  /** `traceparent` of the caller; default: the span that is active here. */
  parent?: string | null;
  /** Ids, states and figures; never data of users. */
  attributes?: Record<string, AttributeValue>;
  /** Epoch milliseconds; default: now. */
  startMs?: number;
}

/** One step of a trace. */
export interface Span {
  /** For other programs that continue the trace; null while nothing is traced. */
  readonly traceparent: string | null;
  set(name: string, value: AttributeValue): void;
  /** Marks it as failed; `why` is a code, not a message. */
  fail(why: string): void;
  /** A step within it that is already over; epoch milliseconds. */
  child(name: string, startMs: number, endMs: number): void;
  end(): void;
}

/** What records traces: src/tracing has the one implementation. */
export interface Tracing {
  start(name: string, options?: SpanStart): Span;
  /** Runs `work` with the span as the active one. */
  within<T>(span: Span, work: () => T): T;
  /** Carries traces through BullMQ's jobs. */
  readonly bull: Telemetry;
}

const nothing = (): void => undefined;
const NO_SPAN: Span = { traceparent: null, set: nothing, fail: nothing, child: nothing, end: nothing };

/** One for the process, like a logger: what is traced need not be handed through every constructor. */
let active: Tracing | null = null;

/** Switches tracing on, or off with null. */
export function useTracing(tracing: Tracing | null): void {
  active = tracing;
}

/** What records traces now; null: nothing does. */
export const currentTracing = (): Tracing | null => active;

/** Does `work` as a step of the trace; while nothing is traced it only calls it. */
export function traced<T>(
  name: string,
  attributes: Record<string, AttributeValue>,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return active === null ? work(NO_SPAN) : recorded(active, { name, attributes }, work);
}

async function recorded<T>(
  tracing: Tracing,
  { name, attributes }: { name: string; attributes: Record<string, AttributeValue> },
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const span = tracing.start(name, { attributes });
  try {
    return await tracing.within(span, () => work(span));
  } catch (error) {
    // The class and not the message, which may quote the user's data.
    span.fail(error instanceof Error ? error.name : 'error');
    throw error;
  } finally {
    span.end();
  }
}
