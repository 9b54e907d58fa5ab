import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { currentTracing, type Span } from '../../telemetry/tracing.js';
import { isConsole, isDescription, isHealth } from './access-policy.js';

/** Makes requests steps of a trace, continuing the one that `traceparent` names. Probes and scrapes are none. */
export function traceRequests(app: NestFastifyApplication): void {
  const tracing = currentTracing();
  if (!tracing) return;
  const spans = new WeakMap<FastifyRequest, Span>();
  const http = app.getHttpAdapter().getInstance();
  http.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    const route = request.routeOptions.url;
    const isForPeople = isConsole(route) || (route !== undefined && isDescription(route));
    if (route !== undefined && !isHealth(route) && route !== '/metrics' && !isForPeople) {
      const parent = request.headers['traceparent'];
      const span = tracing.start(`${request.method} ${route}`, {
        kind: 'server',
        attributes: { 'http.request.method': request.method, 'http.route': route },
        ...(typeof parent === 'string' ? { parent } : {}),
      });
      spans.set(request, span);
      reply.raw.once('close', () => {
        span.set('http.response.status_code', reply.statusCode);
        if (reply.statusCode >= 500) span.fail(`${reply.statusCode}`);
        span.end();
      });
    }
    done();
  });
  // Here and not above: reading the body leaves the context of the hooks before it.
  http.addHook('preHandler', (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
    const span = spans.get(request);
    if (span) tracing.within(span, done);
    else done();
  });
}
