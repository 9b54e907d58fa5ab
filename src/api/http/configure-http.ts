import { randomUUID } from 'node:crypto';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpSettings } from '../../config/slices.js';
import { ArtifactLinks, type LinkTarget } from '../artifacts/artifact-links.js';
import { auditRequests } from '../audit/audited-requests.js';
import { serveConsoleFiles } from '../console/console-files.js';
import { AccessGuard } from '../access/access.guard.js';
import { Ownership } from '../access/ownership.service.js';
import { refuseUndeclaredRoutes } from '../access/declared-access.js';
import { noteCaller } from '../../tenants/access/caller.js';
import { TokenDirectory } from '../../tenants/tokens/token-directory.js';
import { serveDocs } from '../console/docs-files.js';
import { checkAccess, isOfOwnPage, namedTokenId } from './access-policy.js';
import { answerClientError } from './client-error.js';
import { openApiDocument } from './openapi.js';
import { knownRoutes } from './known-routes.js';
import { describe, pathOf, ProblemFilter, sendProblem } from './problem.filter.js';
import { ProblemException } from './problem.js';
import { withinRedisLimit } from './redis-bound.js';
import { traceRequests } from './request-tracing.js';
import { allowLargeBodies } from './large-bodies.js';
import { WaitingConnections } from './waiting-connections.js';
import { UnaskedBodyGuard } from './unasked-body.guard.js';
import { ValidationPipe } from './validation.js';

/** Longest form that JSON gives to one byte of source: \u0000. */
const JSON_ESCAPE_FACTOR = 6;
/** Room for parameters, prompt and the other fields of a body. */
const BODY_SLACK_BYTES = 1_048_576;
/** Limit for the arrival of a whole request: a slower client is not sending one. */
const REQUEST_TIMEOUT_MS = 30_000;
/** The same for its headers, which are small. */
const HEADERS_TIMEOUT_MS = 10_000;
/** How often both are looked at. */
const TIMEOUT_CHECK_MS = 5_000;
/** Longest id of the contract, percent-encoded. */
const MAX_PARAM_LENGTH = 600;

/** The HTTP server. Its body limit lets code of any legal size in, so that what is too long is refused by name. */
export function httpAdapter(settings: HttpSettings): FastifyAdapter {
  return new FastifyAdapter({
    bodyLimit: settings.codeLimitBytes * JSON_ESCAPE_FACTOR + BODY_SLACK_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS },
    // Keys of users' data are data. Nothing copies a body by assignment: schemas do, and leave these names out.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: answerClientError,
    // What the router itself refuses reaches no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(reply, describe(error, pathOf(request.raw.url))),
  });
}

/**
 * Everything that all routes share: access, validation, errors, and the documentation at /docs. Call it before the
 * application listens.
 * @throws Error naming the routes that do not say what a caller needs
 */
export function configureHttp(app: NestFastifyApplication, settings: HttpSettings): void {
  refuseUndeclaredRoutes(app);
  app.useGlobalGuards(new AccessGuard(() => app.get(Ownership, { strict: false })), new UnaskedBodyGuard());
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter(knownRoutes(app.getHttpAdapter().getInstance())));
  // Refuses what a browser says comes from another site, also requests without a body.
  app.enableCsrfProtection();
  new WaitingConnections(settings.connectionsWaitingLimit).attach(app.getHttpServer());
  guardAccess(app, settings);
  traceRequests(app);
  allowLargeBodies(app.getHttpAdapter().getInstance());
  allowBodilessRequests(app);
  refuseEncodedBodies(app);
  drainRefusedBodies(app);
  if (!settings.hasApi) return;
  auditRequests(app, settings.workerId);
  serveDescription(app);
  serveDocs(app);
  serveConsoleFiles(app);
}

/**
 * Finds the caller: a hook and not a guard, since it comes before the body is read, and before routes that are none
 * of Nest's. What the caller may do, the guard decides (access.guard.ts).
 */
function guardAccess(app: NestFastifyApplication, settings: HttpSettings): void {
  const links = settings.hasApi ? app.get(ArtifactLinks, { strict: false }) : null;
  const tokens = app.get(TokenDirectory, { strict: false });
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request: FastifyRequest, _reply: FastifyReply) => {
      const { headers, method } = request;
      const route = request.routeOptions.url;
      const credentials = { authorization: headers.authorization, cookies: headers.cookie };
      const tokenId = namedTokenId(credentials, settings.token);
      const caller = checkAccess(
        {
          ...credentials,
          route,
          host: headers.host,
          contentType: headers['content-type'],
          isLinked: route === ARTIFACT_ROUTE && isLink(links, request),
          method,
          isOfOwnPage: isOfOwnPage(headers),
        },
        settings,
        tokenId === null ? null : await withinRedisLimit(tokens.find(tokenId)),
      );
      if (caller) noteCaller(request, caller);
    });
}

const ARTIFACT_ROUTE = '/executions/:id/artifacts/:name';

const isLink = (links: ArtifactLinks | null, { method, params, query }: FastifyRequest): boolean =>
  (method === 'GET' || method === 'HEAD') &&
  links !== null &&
  links.accepts(params as LinkTarget, query as Record<string, unknown>);

const hasBody = (headers: FastifyRequest['headers']): boolean =>
  Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;

/** Many clients name a content type with every request; one without a body, such as a pause, has nothing of it. */
function allowBodilessRequests(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async ({ headers }: FastifyRequest, _reply: FastifyReply) => {
      if (!hasBody(headers)) delete headers['content-type'];
    });
}

/** What is compressed would be read as what it is not, and be called JSON that is not valid. */
function refuseEncodedBodies(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('preParsing', async ({ headers }: FastifyRequest) => {
      const encoding = headers['content-encoding'] ?? 'identity';
      if (!hasBody(headers) || /^\s*(identity)?\s*$/i.test(encoding)) return;
      const detail = `Send the body as it is, without content-encoding: ${encoding}`;
      throw new ProblemException('unsupported-media-type', detail, {
        errors: [{ field: 'body', message: detail }],
        headers: { 'accept-encoding': 'identity' },
      });
    });
}

/**
 * Fastify closes the connection after its answer to a body that is too large. A client that is still sending then
 * gets a broken pipe and never reads that answer. On a connection that stays open Node discards the rest of the
 * body, within the time limit of a request.
 */
function drainRefusedBodies(app: NestFastifyApplication): void {
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onSend', async (_request: FastifyRequest, reply: FastifyReply) => {
      if (reply.statusCode === 413) reply.header('connection', 'keep-alive');
    });
}

/** What programs read of the API; people read it as a page of the documentation. */
function serveDescription(app: NestFastifyApplication): void {
  // Built on the first request: it costs more than the rest of the start.
  SwaggerModule.setup('docs', app, () => openApiDocument(app), {
    ui: false,
    raw: ['json'],
    jsonDocumentUrl: 'openapi.json',
  });
}
