import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isHealth } from './access-policy.js';
import type { KnownRoutes } from './known-routes.js';
import { kindOfStatus, type Problem, ProblemException, problemOf } from './problem.js';

/** Words for the client where Fastify's own would not say what to do. */
const FASTIFY_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'Send the body as content-type: application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'The body is empty; send a JSON object',
  FST_ERR_CTP_INVALID_JSON_BODY: 'The body is not valid JSON',
  FST_ERR_CTP_BODY_TOO_LARGE: 'The body is larger than any request may be (see CODE_LIMIT_BYTES)',
  FST_ERR_BAD_URL: 'The URL has a % that is no percent-encoding; write a plain % as %25',
  FST_ERR_MAX_PARAM_LENGTH: 'The id in the URL is longer than any id may be',
};

/** Turns every error into problem details. What the API did not foresee is logged in full and answered with a plain 500. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Api');

  constructor(private readonly routes: KnownRoutes) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) {
      reply.raw.end();
      return;
    }
    // The body of the 503 from Terminus names the indicator that is down: the probe's answer, not an error.
    const isRefusal = exception instanceof ProblemException;
    if (isHealth(request.routeOptions?.url) && exception instanceof HttpException && !isRefusal) {
      void reply.status(exception.getStatus()).send(exception.getResponse());
      return;
    }
    const methods = request.routeOptions?.url === undefined ? this.routes.methodsOf(pathOf(request.url)) : [];
    if (methods.length > 0) {
      answerOtherMethod(request, reply, methods);
      return;
    }
    const problem = describe(exception, pathOf(request.url));
    if (problem.status === 500) this.report(exception, request);
    if (isRefusal) void reply.headers(exception.headers);
    sendProblem(reply, problem);
  }

  private report(exception: unknown, request: FastifyRequest): void {
    const stack = exception instanceof Error ? exception.stack : String(exception);
    this.logger.error(
      `${request.method} ${request.routeOptions?.url ?? '?'} (request ${request.id}): ${stack}`,
    );
  }
}

/** Answers where the path is there and the method is not. */
function answerOtherMethod(request: FastifyRequest, reply: FastifyReply, methods: readonly string[]): void {
  void reply.header('allow', [...methods, 'OPTIONS'].join(', '));
  if (request.method === 'OPTIONS') {
    void reply.status(204).send();
    return;
  }
  const detail = `This address does not accept ${request.method}; it accepts ${methods.join(', ')}`;
  sendProblem(reply, problemOf('method-not-allowed', detail, pathOf(request.url)));
}

/** The `instance` of a problem: the requested path, without the query, which may hold confidential data. */
export const pathOf = (url: string | undefined): string => (url ?? '').split('?', 1)[0] as string;

/** Answers with problem details, whatever content type the route has. */
export function sendProblem(reply: FastifyReply, problem: Problem): void {
  void reply
    .status(problem.status)
    .type('application/problem+json; charset=utf-8')
    // A string, so that no serializer has an opinion about it.
    .send(JSON.stringify(problem));
}

/** Pure part of the filter: what the client may know of an error. */
export function describe(exception: unknown, instance: string): Problem {
  if (exception instanceof ProblemException) {
    return {
      ...exception.members,
      ...problemOf(exception.kind, exception.detail, instance, exception.errors),
    };
  }
  const fastify = fastifyError(exception);
  const status = fastify?.statusCode ?? (exception instanceof HttpException ? exception.getStatus() : 500);
  const kind = kindOfStatus(status);
  if (status >= 500) return problemOf(kind, 'The error is in the log of the server', instance, [], status);
  if (status === 404)
    return problemOf(kind, 'There is no such route; /docs lists them', instance, [], status);
  const detail = FASTIFY_DETAILS[fastify?.code ?? ''] ?? (exception as Error).message;
  const field = fieldOf(fastify?.code);
  return problemOf(kind, detail, instance, field === null ? [] : [{ field, message: detail }], status);
}

/** Which part of a request Fastify refused before any schema saw it. */
function fieldOf(code: string | undefined): string | null {
  if (code === 'FST_ERR_BAD_URL') return 'url';
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return 'id';
  return code?.startsWith('FST_ERR_CTP_') ? 'body' : null;
}

/** Nest wraps Fastify's errors in its own, which lacks their code. */
function fastifyError(exception: unknown): { code: string; statusCode: number } | undefined {
  const error: unknown = exception instanceof HttpException ? exception.cause : exception;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (typeof statusCode !== 'number' || typeof code !== 'string') return undefined;
  return code.startsWith('FST_') ? { code, statusCode } : undefined;
}
