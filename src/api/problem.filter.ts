import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isProbe } from './access-policy.js';
import { kindOfStatus, type Problem, ProblemException, problemOf } from './problem.js';

/** Words for the client where Fastify's own would not say what to do. */
const FASTIFY_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Send the body as content-type: application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; send a JSON object',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than any request may be (see CODE_LIMIT_BYTES)',
};
/** Faults of the body as a whole, whose field is `body`. */
const BODY_STATUSES: ReadonlySet<number> = new Set([400, 413, 415]);

/** Turns every error into problem details. What the API did not foresee is logged in full and told as nothing but 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Api');

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.end();
      return;
    }
    // Terminus tells in the body of its 503 which indicator is down: the probe's answer, not an error.
    if (isProbe(request.routeOptions?.url) && exception instanceof HttpException) {
      void reply.status(exception.getStatus()).send(exception.getResponse());
      return;
    }
    const instance = request.url.split('?', 1)[0] as string;
    const problem = describe(exception, instance);
    if (problem.status === 500) this.report(exception, request);
    const headers = exception instanceof ProblemException ? exception.headers : {};
    void reply
      .status(problem.status)
      .headers(headers)
      .type('application/problem+json; charset=utf-8')
      // A string, so that no serializer has an opinion about it.
      .send(JSON.stringify(problem));
  }

  private report(exception: unknown, request: FastifyRequest): void {
    const stack = exception instanceof Error ? exception.stack : String(exception);
    this.logger.error(
      `${request.method} ${request.routeOptions?.url ?? '?'} (request ${request.id}): ${stack}`,
    );
  }
}

/** Pure part of the filter: what the client may know of an error. */
export function describe(exception: unknown, instance: string): Problem {
  if (exception instanceof ProblemException) {
    return problemOf(exception.kind, exception.detail, instance, exception.errors);
  }
  const fastify = fastifyError(exception);
  const status = fastify?.statusCode ?? (exception instanceof HttpException ? exception.getStatus() : 500);
  const kind = kindOfStatus(status);
  if (status >= 500) return problemOf(kind, 'The error is in the log of the server', instance, [], status);
  if (status === 404)
    return problemOf(kind, 'There is no such route; /docs lists them', instance, [], status);
  const detail = FASTIFY_DETAILS[fastify?.code ?? ''] ?? (exception as Error).message;
  const errors =
    BODY_STATUSES.has(status) && fastify?.code?.startsWith('FST_ERR_CTP')
      ? [{ field: 'body', message: detail }]
      : [];
  return problemOf(kind, detail, instance, errors, status);
}

function fastifyError(exception: unknown): { code?: string; statusCode: number } | undefined {
  if (!(exception instanceof Error) || exception instanceof HttpException) return undefined;
  const { code, statusCode } = exception as { code?: unknown; statusCode?: unknown };
  // Without a code: JSON.parse's own SyntaxError, which Fastify marks with the status alone.
  if (typeof statusCode !== 'number') return undefined;
  if (typeof code === 'string' && code.startsWith('FST_')) return { code, statusCode };
  return exception instanceof SyntaxError
    ? { code: 'FST_ERR_CTP_INVALID_JSON_BODY', statusCode: 400 }
    : undefined;
}
