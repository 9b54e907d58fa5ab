import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { changeSchema } from '../../contract/api/changes.js';
import { VERSION } from '../../lib/version.js';
import { isConsole, isProbe } from './access-policy.js';
import { OpenApiSchemas } from './openapi-schemas.js';
import { problemSchema } from './problem-schema.js';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;

const METHODS = ['get', 'post', 'put', 'delete'] as const;
const PROBLEM = '#/components/schemas/Problem';

/** What an error status means, wherever it is answered. */
const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request cannot be used; errors names every field that is wrong',
  401: 'API_TOKEN is set, and the request carries neither it nor another valid token',
  403: 'The token may not do this: its role, or its organizations, do not reach that far',
  404: 'There is none of this name',
  409: 'It is known already, or not in a state for this; nothing was changed',
  413: 'The code or the body is too large',
  415: 'The body is not application/json',
  422: 'The sources cannot be published',
  429: 'A quota of the organization is used up; resets_at and Retry-After say until when',
  503: 'Redis does not answer, or there are too many readers of logs; detail says what is known',
};

/** Error statuses of single operations; those of all that take input, a body or an id follow from that. */
const OWN_ERRORS: Readonly<Record<string, readonly number[]>> = {
  'post /tasks': [409],
  'post /executions': [409, 429],
  'post /executions/batch': [409, 429],
  'post /executions/again': [409],
  'post /executions/{id}/again': [409, 429],
  'delete /executions/{id}': [409],
  'delete /executions/{id}/record': [409],
  'post /schedules/{id}/resume': [409],
  'put /schedules/{id}': [409],
  'put /organizations/{organization}/secrets/{name}': [409],
  'post /secrets/rotate': [409],
  'put /workspace': [409, 422],
  'post /workspace/rollback': [404, 409],
  'get /workspace': [404],
  'get /workspace/diff': [404],
  'get /workspace/{generation}/files/{path}': [404],
};

/**
 * The description of the API in OpenAPI 3.1, as the documentation shows it and `/openapi.json` hands it out. Of the
 * application it needs nothing but its routes.
 */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('bifrost-worker')
    .setDescription(
      'Runs JavaScript and TypeScript. Errors are RFC 9457 problem details. With API_TOKEN every request but the probes carries it, or another token (`/tokens`), as a bearer token.',
    )
    .setVersion(VERSION)
    .setOpenAPIVersion('3.1.0')
    .addServer('/', 'The process that handed this out')
    .addBearerAuth()
    .build();
  const schemas = new OpenApiSchemas();
  const document = SwaggerModule.createDocument(app, config, {
    standardSchemaConverter: (schema, { schemaType }) => schemas.convert(schema, schemaType),
  });
  return withErrors(document, schemas);
}

/** Where the published schemas have the list of failure codes, seen from schemas/openapi.json. */
const LISTED_CODES = 'execution-result.json#/$defs/FailureCode';

/** As schemas/openapi.json keeps it: with a link to the list of failure codes, which the file beside it has. */
export const keptDescription = (document: OpenAPIObject): OpenAPIObject => ({
  ...document,
  components: {
    ...document.components,
    schemas: { ...document.components?.schemas, FailureCode: { $ref: LISTED_CODES } },
  },
});

/** Adds what all routes share: problem documents, access, and one name for the rest of a path. */
function withErrors(document: OpenAPIObject, schemas: OpenApiSchemas): OpenAPIObject {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation) complete(path, method, operation);
    }
  }
  const shared = ((document.components ??= {}).schemas ??= {});
  // What no operation has as JSON: error answers, and the events of a stream.
  for (const schema of [problemSchema, changeSchema])
    Object.assign(shared, schemas.convert(schema, 'output')?.components);
  return document;
}

function complete(path: string, method: string, operation: Operation): void {
  // Nest calls the rest of a path "*", the template of the path calls it "path".
  for (const parameter of operation.parameters ?? [])
    if ('name' in parameter && parameter.name === '*') parameter.name = 'path';
  for (const response of Object.values(operation.responses)) {
    const stream = response && 'content' in response ? response.content?.['text/event-stream'] : undefined;
    if (stream) stream.schema = { type: 'string', description: 'Server-Sent Events' };
  }
  if (isProbe(path)) return;
  if (!isConsole(path)) operation.security = [{ bearer: [] }];
  for (const status of errorsOf(path, method, operation))
    operation.responses[status] ??= problem(MEANINGS[status]);
  operation.responses['default'] ??= problem('Any other error');
}

function errorsOf(path: string, method: string, { parameters = [], requestBody }: Operation): number[] {
  const named = path.includes('{');
  return [
    401,
    403,
    ...(path === '/metrics' ? [] : [503]),
    ...(requestBody || parameters.length > 0 ? [400] : []),
    ...(requestBody ? [413, 415] : []),
    ...(named ? [404] : []),
    ...(OWN_ERRORS[`${method} ${path}`] ?? []),
  ];
}

const problem = (description = '') => ({
  description,
  content: { 'application/problem+json': { schema: { $ref: PROBLEM } } },
});
