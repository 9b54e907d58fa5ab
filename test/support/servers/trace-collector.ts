import { afterAll, beforeAll } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../until.js';

/** One span as OTLP's JSON carries it. */
export interface CollectedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  kind: number;
  attributes: { key: string; value: Record<string, unknown> }[];
  status?: { code?: number; message?: string };
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

/** A collector that takes traces by OTLP over HTTP and keeps what it was sent. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  /** Headers of the requests. */
  readonly headers: IncomingMessage['headers'][] = [];
  readonly bodies: string[] = [];
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.take(request, Buffer.concat(chunks).toString('utf8'));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** Waits until a trace has a span of this name and all of its spans have their parents; returns the trace. */
  async traceWith(name: string, traceId?: string): Promise<CollectedSpan[]> {
    const find = (): CollectedSpan[] => {
      const known = this.spans.find(
        (span) => span.name === name && (traceId ?? span.traceId) === span.traceId,
      );
      return known ? this.spans.filter((span) => span.traceId === known.traceId) : [];
    };
    await until(() => find().length > 0, { what: `a trace with a span "${name}" arrives` });
    return find();
  }

  private take(request: IncomingMessage, body: string): void {
    if (request.url !== '/v1/traces') return;
    this.headers.push(request.headers);
    this.bodies.push(body);
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: CollectedSpan[] }[] }[];
    };
    this.spans.push(...resourceSpans.flatMap((one) => one.scopeSpans.flatMap(({ spans }) => spans)));
  }
}

/** A collector for the suite that calls it. */
export function useTraceCollector(): TraceCollector {
  const collector = new TraceCollector();
  beforeAll(() => collector.start());
  afterAll(() => collector.stop());
  return collector;
}
