import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOpenApi } from '../../../site/open-api-file.ts';
import { configureHttp, httpAdapter } from '../../../src/api/http/configure-http.js';
import { AppModule } from '../../../src/app.module.js';
import { FAILURE_CODES } from '../../../src/contract/failure.js';
import { QueueConsumer } from '../../../src/worker/queue-consumer.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { type Documented, OpenApi } from '../../support/openapi.js';
import { settingsOf } from '../../support/parts.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { httpSettings } from '../../../src/config/slices.js';

const TOKEN = 'the-token-of-this-suite';
const WORKER_ID = 'w-openapi';
const redis = useRedis();
let folder = '';
let archiveDir = '';
let nest: NestFastifyApplication;
let url = '';
let document: { openapi: string };
let docs: OpenApi;
/** The routes of the HTTP server, as the document writes them. */
const registered = new Set<string>();

const hasBody = (method: string): boolean => method === 'POST' || method === 'PUT';

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
    headers: response.headers,
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bifrost-test-openapi-'));
  archiveDir = await emptyFolder();
  const settings = settingsOf({
    REDIS_URL: redis.url,
    PORT: '0',
    LOG_LEVEL: 'silent',
    PACKAGES_DIR: join(folder, 'packages'),
    DRAIN_TIMEOUT_SECONDS: '3600',
    API_TOKEN: TOKEN,
    SECRETS_KEY: Buffer.alloc(32, 7).toString('base64'),
    ROLES: 'worker,api,archive',
    ARCHIVE_DIR: archiveDir,
    ARTIFACTS_DIR: join(folder, 'artifacts'),
    WORKER_ID,
  });
  const adapter = httpAdapter(httpSettings.of(settings));
  adapter.getInstance().addHook('onRoute', ({ method, url: path }) => {
    for (const name of [method].flat()) registered.add(`${name.toLowerCase()} ${templateOf(path)}`);
  });
  const module = await Test.createTestingModule({ imports: [AppModule.register(settings)] }).compile();
  nest = module.createNestApplication<NestFastifyApplication>(adapter, { logger: false });
  configureHttp(nest, httpSettings.of(settings));
  await nest.listen(0, '127.0.0.1');
  url = await nest.getUrl();
  redis.onDispose(close);
  await until(async () => (await ask('GET', '/health/ready')).status === 200, {
    what: 'the worker is ready',
  });
  await until(async () => (await ask('GET', '/executions')).status === 200, { what: 'the history is open' });
  document = JSON.parse((await ask('GET', '/openapi.json')).text) as typeof document;
  docs = new OpenApi(document);
});

let closed: Promise<void> | undefined;
const close = (): Promise<void> => (closed ??= stop());
async function stop(): Promise<void> {
  await nest.close();
  nest.get(QueueConsumer, { strict: false }).expedite();
}
afterAll(async () => {
  await close();
  for (const path of [folder, archiveDir]) await rm(path, { recursive: true, force: true });
});

/** `/a/:id/*` of the router is `/a/{id}/{path}` of the document. */
const templateOf = (path: string): string =>
  (path.replace(/\/$/, '') || '/').replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');

/** Every file below a folder. */
async function filesOf(...path: string[]): Promise<string[]> {
  const all = await readdir(join(...path), { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map(({ name }) => name);
}

/** One call of a documented operation. */
interface Call {
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
  status: number;
}

const SCRIPT = {
  workflow_code: `import fs from 'node:fs'; fs.mkdirSync('artifacts'); fs.writeFileSync('artifacts/a b.html', '<script>'); console.log(1); export default 7`,
  execution_id: 'done',
};
const UNKNOWN = { execution_id: 'never', workflow_code: 1 };

/** In this order, since later ones build on what earlier ones made; `null` stands for the example of the document. */
const CALLS: [operation: string, calls: Call[]][] = [
  ['get /health/live', [{ path: '/health/live', status: 200 }]],
  ['get /health/ready', [{ path: '/health/ready', status: 200 }]],
  ['get /health', [{ path: '/health', status: 200 }]],
  ['get /metrics', [{ path: '/metrics', status: 200 }]],
  [
    'post /executions',
    [
      { path: '/executions?wait=90', body: SCRIPT, status: 200 },
      { path: '/executions', body: SCRIPT, status: 409 },
      { path: '/executions', body: null, status: 202 },
      { path: '/executions?wait=90', body: { workflow_code: 'export default (', attempts: 1 }, status: 200 },
      {
        path: '/executions?wait=90',
        body: {
          workflow_code: 'export default () => { const a = 1; throw new Error("x") }',
          function_name: 'default',
          network: 'none',
          capture_locals: true,
        },
        status: 200,
      },
      { path: '/executions', body: { ...UNKNOWN, timeout_seconds: -1 }, status: 400 },
      { path: '/executions?wait=x', body: SCRIPT, status: 400 },
      { path: '/executions', body: { workflow_code: 'x'.repeat(1_200_000) }, status: 413 },
      { path: '/executions', body: 'x', headers: { 'content-type': 'text/plain' }, status: 415 },
    ],
  ],
  [
    'post /executions/batch',
    [
      { path: '/executions/batch', body: null, status: 202 },
      { path: '/executions/batch', body: { executions: [SCRIPT], mode: 'each' }, status: 202 },
      { path: '/executions/batch', body: { executions: [UNKNOWN] }, status: 400 },
    ],
  ],
  [
    'post /executions/{id}/again',
    [
      { path: '/executions/done/again', body: {}, status: 202 },
      { path: '/executions/never/again', body: null, status: 404 },
      { path: '/executions/done/again', body: { workspace: 1 }, status: 400 },
    ],
  ],
  [
    'post /executions/again',
    [
      { path: '/executions/again', body: null, status: 202 },
      { path: '/executions/again', body: { filter: { workflow: 'none' }, dry_run: false }, status: 202 },
      { path: '/executions/again', body: {}, status: 400 },
    ],
  ],
  [
    'put /schedules/{id}',
    [
      { path: '/schedules/nightly', body: null, status: 200 },
      { path: '/schedules/nightly', body: { cron: 'x', execution: SCRIPT }, status: 400 },
    ],
  ],
  [
    'get /schedules',
    [
      { path: '/schedules', status: 200 },
      { path: '/schedules?limit=0', status: 400 },
    ],
  ],
  [
    'get /schedules/{id}',
    [
      { path: '/schedules/nightly', status: 200 },
      { path: '/schedules/never', status: 404 },
    ],
  ],
  ['get /schedules/{id}/webhooks', [{ path: '/schedules/nightly/webhooks', status: 200 }]],
  ['post /schedules/{id}/pause', [{ path: '/schedules/nightly/pause', status: 200 }]],
  ['post /schedules/{id}/resume', [{ path: '/schedules/nightly/resume', status: 200 }]],
  ['post /schedules/{id}/run', [{ path: '/schedules/nightly/run', status: 202 }]],
  ['delete /schedules/{id}', [{ path: '/schedules/nightly', status: 200 }]],
  ['get /batches/{id}', [{ path: '/batches/never', status: 404 }]],
  [
    'get /executions/{id}',
    [
      { path: '/executions/done', status: 200 },
      { path: '/executions/never', status: 404 },
      { path: '/executions/done?wait=-1', status: 400 },
    ],
  ],
  [
    'get /executions/{id}/input',
    [
      { path: '/executions/never/input', status: 404 },
      { path: '/executions/done/input', status: 200 },
    ],
  ],
  [
    'get /executions/{id}/logs',
    [
      { path: '/executions/done/logs', status: 200 },
      { path: '/executions/done/logs', headers: { accept: 'text/event-stream' }, status: 200 },
      { path: '/executions/never/logs', status: 404 },
    ],
  ],
  ['get /executions/{id}/webhooks', [{ path: '/executions/done/webhooks', status: 200 }]],
  ['get /batches/{id}/webhooks', [{ path: '/batches/never/webhooks', status: 200 }]],
  [
    'get /executions/{id}/artifacts',
    [
      { path: '/executions/done/artifacts', status: 200 },
      { path: '/executions/never/artifacts', status: 404 },
    ],
  ],
  [
    'get /executions/{id}/artifacts/{name}',
    [
      { path: '/executions/done/artifacts/a%20b.html', status: 200 },
      { path: '/executions/done/artifacts/b', status: 404 },
      { path: '/executions/done/artifacts/a%20b.html?signatur=x', status: 400 },
    ],
  ],
  [
    'get /executions',
    [
      { path: '/executions', status: 200 },
      { path: '/executions?status=failed,succeeded&limit=1', status: 200 },
      { path: '/executions?limit=0', status: 400 },
    ],
  ],
  ['get /executions/events', [{ path: '/executions/events?type=x', status: 400 }]],
  [
    'get /executions/stats',
    [
      { path: '/executions/stats', status: 200 },
      { path: '/executions/stats?by=x', status: 400 },
    ],
  ],
  [
    'get /executions/export',
    [
      { path: '/executions/export', status: 200 },
      { path: '/executions/export?since=x', status: 400 },
    ],
  ],
  [
    'delete /executions/{id}',
    [
      { path: '/executions/done', status: 409 },
      { path: '/executions/never', status: 404 },
    ],
  ],
  [
    'post /tasks',
    [
      { path: '/tasks', body: { taskId: 'task-1', code: 'console.log(1)' }, status: 202 },
      { path: '/tasks', body: null, status: 202 },
      { path: '/tasks', body: {}, status: 400 },
    ],
  ],
  [
    'get /tasks/{id}',
    [
      { path: '/tasks/task-1', status: 200 },
      { path: '/tasks/never', status: 404 },
    ],
  ],
  [
    'put /organizations/{id}',
    [
      { path: '/organizations/acme', body: null, status: 200 },
      { path: '/organizations/acme', body: { weigth: 2 }, status: 400 },
    ],
  ],
  ['get /organizations', [{ path: '/organizations', status: 200 }]],
  [
    'get /organizations/{id}',
    [
      { path: '/organizations/acme', status: 200 },
      { path: '/organizations/never', status: 200 },
    ],
  ],
  [
    'delete /organizations/{id}',
    [
      { path: '/organizations/acme', status: 200 },
      { path: '/organizations/acme', status: 404 },
    ],
  ],
  [
    'put /organizations/{organization}/secrets/{name}',
    [
      { path: '/organizations/acme/secrets/API_KEY', body: null, status: 200 },
      { path: '/organizations/acme/secrets/API_KEY', body: { value: '' }, status: 400 },
    ],
  ],
  ['get /organizations/{organization}/secrets', [{ path: '/organizations/acme/secrets', status: 200 }]],
  ['post /secrets/rotate', [{ path: '/secrets/rotate', status: 200 }]],
  [
    'delete /organizations/{organization}/secrets/{name}',
    [
      { path: '/organizations/acme/secrets/API_KEY', status: 200 },
      { path: '/organizations/acme/secrets/API_KEY', status: 404 },
    ],
  ],
  [
    'post /tokens',
    [
      { path: '/tokens', body: null, status: 201 },
      { path: '/tokens', body: { name: 'x', role: 'root' }, status: 400 },
    ],
  ],
  ['get /tokens', [{ path: '/tokens', status: 200 }]],
  ['delete /tokens/{id}', [{ path: '/tokens/never', status: 404 }]],
  [
    'get /usage',
    [
      { path: '/usage', status: 200 },
      { path: '/usage?since=never', status: 400 },
    ],
  ],
  [
    'get /audit',
    [
      { path: '/audit?limit=3', status: 200 },
      { path: '/audit?cursor=x', status: 400 },
    ],
  ],
  ['get /packages', [{ path: '/packages', status: 200 }]],
  [
    'put /packages',
    [
      { path: '/packages', body: null, status: 200 },
      { path: '/packages', body: { content: 'git+ssh://x' }, status: 400 },
    ],
  ],
  [
    'put /workspace/sources',
    [
      { path: '/workspace/sources', body: null, status: 200 },
      { path: '/workspace/sources', body: { sources: 1 }, status: 400 },
    ],
  ],
  [
    'put /workspace',
    [
      { path: '/workspace', body: null, status: 200 },
      { path: '/workspace', body: { files: { 'a.ts': 'let a: number = ;' } }, status: 422 },
      { path: '/workspace', body: { files: { 'a.ts': 'export {}' }, expected: 77 }, status: 409 },
      { path: '/workspace', body: { files: { 'a.ts': 'export {}' } }, status: 200 },
      { path: '/workspace', body: {}, status: 400 },
    ],
  ],
  [
    'get /workspace',
    [
      { path: '/workspace', status: 200 },
      { path: '/workspace?paths=false', status: 200 },
      { path: '/workspace?generation=999', status: 404 },
      { path: '/workspace?generation=x', status: 400 },
    ],
  ],
  [
    'get /workspace/diff',
    [
      { path: '/workspace/diff?from=1&to=2', status: 200 },
      { path: '/workspace/diff?from=1', status: 400 },
    ],
  ],
  [
    'get /workspace/{generation}/files/{path}',
    [
      { path: '/workspace/current/files/a.ts', status: 200 },
      { path: '/workspace/current/files/b.ts', status: 404 },
    ],
  ],
  [
    'post /workspace/rollback',
    [
      { path: '/workspace/rollback', body: null, status: 200 },
      { path: '/workspace/rollback', body: { generation: 999 }, status: 404 },
    ],
  ],
  [
    'delete /executions/{id}/record',
    [
      { path: '/executions/done/record', status: 200 },
      { path: '/executions/never/record', status: 404 },
    ],
  ],
  [
    'delete /organizations/{organization}/executions',
    [{ path: '/organizations/org-1/executions', status: 200 }],
  ],
  ['get /schemas', [{ path: '/schemas', status: 200 }]],
  [
    'get /schemas/{file}',
    [
      { path: '/schemas/execution-result.json', status: 200 },
      { path: '/schemas/nothing.json', status: 404 },
    ],
  ],
  ['get /workers', [{ path: '/workers', status: 200 }]],
  [
    'post /workers/{id}/recycle',
    [
      { path: `/workers/${WORKER_ID}/recycle`, status: 202 },
      { path: '/workers/never/recycle', status: 404 },
    ],
  ],
  [
    'post /workers/{id}/pause',
    [
      { path: `/workers/${WORKER_ID}/pause`, status: 202 },
      { path: '/workers/never/pause', status: 404 },
    ],
  ],
  [
    'post /workers/{id}/resume',
    [
      { path: `/workers/${WORKER_ID}/resume`, status: 202 },
      { path: '/workers/never/resume', status: 404 },
    ],
  ],
  ['get /queue', [{ path: '/queue', status: 200 }]],
  ['post /queue/pause', [{ path: '/queue/pause', status: 200 }]],
  ['post /queue/resume', [{ path: '/queue/resume', status: 200 }]],
  ['get /session', [{ path: '/session', status: 200 }]],
  [
    'post /session',
    [
      { path: '/session', body: { token: TOKEN }, status: 204 },
      { path: '/session', body: null, status: 401 },
      { path: '/session', body: {}, status: 400 },
    ],
  ],
  ['delete /session', [{ path: '/session', status: 204 }]],
  ['post /workers/{id}/drain', [{ path: '/workers/never/drain', status: 404 }]],
];

/** What a browser gets before it has a session; the probes need no token either, and describe no errors. */
const isSession = (name: string): boolean => name.endsWith(' /session');

describe('the description of the API', () => {
  it('has every route that there is, and no other', () => {
    const routes = [...registered].filter(
      (route) => !/^head | \/(docs|openapi\.json)| \/(console.*)?$/.test(route),
    );
    expect(docs.operations.map(({ name }) => name).toSorted()).toEqual(routes.toSorted());
  });

  it('is what schemas/openapi.json keeps, with what it links to; npm run docs writes it', () => {
    const kept = join(import.meta.dirname, '..', '..', '..', 'schemas', 'openapi.json');
    expect(document).toEqual(readOpenApi(kept));
  });

  it('has the failure codes itself where it is handed out', () => {
    expect(document).toHaveProperty('components.schemas.FailureCode.enum', [...FAILURE_CODES]);
    expect(JSON.stringify(document)).not.toMatch(/"\$ref":"[^#]/);
  });

  it('is OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    expect(document.openapi).toMatch(/^3\.1\./);
    const { openapi: _, ...broken } = structuredClone(document);
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it('gives each operation a name of its own', () => {
    const names = docs.operations.map(({ operation }) => operation.operationId ?? '');
    for (const name of names) expect(name).toMatch(/^[a-z]+([A-Z][a-z]+)+$/);
    expect(new Set(names).size).toBe(names.length);
  });

  it('names the members of every union that a field tells apart', () => {
    const mapped = docs.discriminators();
    expect(Object.keys(mapped).toSorted()).toEqual(
      expect.arrayContaining(['Change', 'Execution', 'ListedExecution', 'LogEvent', 'Task']),
    );
    expect(mapped['Execution']).toMatchObject({ queued: 'WaitingExecution', failed: 'ExecutionResult' });
    expect(docs.unmappedUnions()).toEqual([]);
  });

  it('is called as a whole by this suite', () => {
    expect(CALLS.map(([name]) => name).toSorted()).toEqual(
      docs.operations.map(({ name }) => name).toSorted(),
    );
  });

  it('describes purpose, access and errors of every operation', () => {
    for (const { name, operation } of docs.operations) {
      expect([name, operation.summary]).toEqual([name, expect.stringMatching(/.{10}/)]);
      const open = name.startsWith('get /health/');
      expect([name, operation.security]).toEqual([
        name,
        open || isSession(name) ? undefined : [{ bearer: [] }],
      ]);
      if (!open)
        expect([name, operation.responses]).toEqual([
          name,
          expect.objectContaining({ 401: expect.anything(), default: expect.anything() }),
        ]);
      const isCommand = / \/workers\/| \/queue\/|^post \/(schedules|secrets)\//.test(name);
      const takesBody = hasBody(name.split(' ')[0]!.toUpperCase()) && !isCommand;
      expect([name, operation.requestBody !== undefined]).toEqual([name, takesBody]);
    }
  });

  it('names every part of a path as its template does', () => {
    for (const { name, operation } of docs.operations) {
      const wanted = [...name.matchAll(/\{(\w+)\}/g)].map(([, part]) => part as string);
      const given = (operation.parameters ?? []).filter((one) => one.in === 'path').map((one) => one.name);
      expect([name, given.toSorted()]).toEqual([name, wanted.toSorted()]);
    }
  });

  it('has examples that fit their schemas', () => {
    const examples = docs.examples();
    expect(examples.length).toBeGreaterThanOrEqual(6);
    for (const { schema, example } of examples)
      expect([schema, docs.problemsOf(schema, example)]).toEqual([schema, []]);
  });

  // The operations of one suite, one after the other: they build on each other.
  it.each(CALLS)('is true of %s', async (name, calls) => {
    const documented = docs.operation(name) as Documented;
    for (const { path, body, headers, status } of calls) {
      const sent = body === null ? docs.exampleBody(documented) : body;
      const answer = await ask(name.split(' ')[0]!.toUpperCase(), path, sent, headers);
      const seen = `${name} ${path}: ${answer.text.slice(0, 300)}`;
      expect([seen, answer.status]).toEqual([seen, status]);
      expect([seen, docs.mismatch(documented, answer)]).toEqual([seen, null]);
      if (status < 300 && sent !== undefined && typeof sent !== 'string')
        expect([seen, docs.bodyProblems(documented, sent)]).toEqual([seen, []]);
    }
  });

  it.each(CALLS)('is true of %s without the token', async (name, calls) => {
    if (name.startsWith('get /health/') || isSession(name)) return;
    const { path, body } = calls[0] as Call;
    const documented = docs.operation(name) as Documented;
    const answer = await ask(name.split(' ')[0]!.toUpperCase(), path, body ?? undefined, {
      authorization: 'Bearer wrong',
    });
    expect(answer.status).toBe(401);
    expect(docs.mismatch(documented, answer)).toBeNull();
  });

  it('has links that open an artifact without the token, harmlessly', async () => {
    await ask('POST', '/executions?wait=90', { ...SCRIPT, execution_id: 'linked' });
    const { text } = await ask('GET', '/executions/linked/artifacts');
    const { artifacts } = JSON.parse(text) as { artifacts: { url: string; sha256: string }[] };
    const { url: link = '', sha256 = '' } = artifacts[0] ?? {};
    const opened = await fetch(`${url}${link}`);
    expect([opened.status, await opened.text()]).toEqual([200, '<script>']);
    expect(Object.fromEntries(opened.headers)).toMatchObject({
      'content-type': 'text/html',
      'content-length': '8',
      'content-disposition': `attachment; filename="a b.html"; filename*=UTF-8''a%20b.html`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      etag: `"${sha256}"`,
    });
    for (const other of [
      link.replace('a%20b', 'b'),
      link.replace('signature=', 'signature=x'),
      link.replace(/\/artifacts\/.*\?/, '?'),
    ])
      expect([other, (await fetch(`${url}${other}`)).status]).toEqual([other, 401]);

    // Others were run again of the same code.
    const before = await filesOf(folder, 'artifacts');
    expect((await ask('DELETE', '/executions/linked/record')).status).toBe(200);
    expect(await filesOf(folder, 'artifacts')).toEqual(before.slice(1));
  });

  it('is true of a history that holds executions', async () => {
    const page = () => ask('GET', '/executions?limit=2');
    await until(
      async () => (await page()).text.includes('"done"') || (await page()).text.includes('next_cursor":"'),
      {
        what: 'executions are archived',
      },
    );
    for (const name of ['get /executions', 'get /executions/stats']) {
      const answer = await ask('GET', name.slice(4));
      expect(answer.text.length).toBeGreaterThan(200);
      expect(docs.mismatch(docs.operation(name) as Documented, answer)).toBeNull();
    }
  });

  it('would be caught in a lie', async () => {
    const documented = docs.operation('get /workers') as Documented;
    const answer = await ask('GET', '/workers');
    const { workers } = JSON.parse(answer.text) as { workers: object[] };
    const withMore = JSON.stringify({ workers: [{ ...workers[0], surprise: 1 }] });
    expect(docs.mismatch(documented, { ...answer, text: withMore })).toMatch(/additional properties/);
    expect(docs.mismatch(documented, { ...answer, text: '{}' })).toMatch(/workers/);
    expect(docs.mismatch(documented, { ...answer, status: 418 })).toMatch(/418/);
  });
});
