import { beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreatedToken, Role } from '../../../src/contract/tenants/access.js';
import { routesOf } from '../../../src/api/access/declared-access.js';
import { ArchiveDatabase } from '../../../src/archive/archive-database.js';
import { QueueConsumer } from '../../../src/worker/queue-consumer.js';
import { type Application, listenAs } from '../../support/application.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { everythingIn } from '../../support/servers/keyspace.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const API_TOKEN = 'the-api-token-of-this-suite';
/** In everything that belongs to the other organization. */
const MARK = 'zebra';
const OTHER = `${MARK}-org`;
const ID = `${MARK}-execution`;
const redis = useRedis();
let app: Application;
let operations: { method: string; path: string; hasBody: boolean }[] = [];
const tokens = {} as Record<'reader' | 'acme' | 'acme-submit' | 'both' | 'other', string>;

interface Answer {
  status: number;
  text: string;
  json: Record<string, unknown>;
  headers: Headers;
}

/** Asks as a client does, which tries again what a busy machine has no time for. */
const ask = (...request: Parameters<typeof askOnce>): Promise<Answer> =>
  until(
    async () => {
      const answer = await askOnce(...request);
      return answer.status === 503 ? null : answer;
    },
    { what: `${request[1]} ${request[2]} is answered` },
  );

async function askOnce(
  token: string,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${app.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, text, json: parsed(text), headers: response.headers };
}

const parsed = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
};

/** An answer of a stream, as far as it has come after a while in which something else happened. */
async function streamUntil(token: string, path: string, found: (text: string) => boolean): Promise<string> {
  const ended = new AbortController();
  const response = await fetch(`${app.url}${path}`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
    signal: ended.signal,
  });
  let text = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (found(text)) break;
  }
  ended.abort();
  return text;
}

async function makeToken(name: string, role: Role, organizations?: string[]): Promise<CreatedToken> {
  const body = { name, role, ...(organizations ? { organizations } : {}) };
  const { status, json } = await ask(API_TOKEN, 'POST', '/tokens', body);
  expect(status).toBe(201);
  return json as unknown as CreatedToken;
}

const EXECUTION = {
  workflow_code: `import fs from 'node:fs';
    console.log('${MARK} log');
    fs.mkdirSync('artifacts');
    fs.writeFileSync('artifacts/${MARK}.txt', '${MARK}');`,
  workflow_id: `${MARK}-flow`,
  tags: [`${MARK}-tag`],
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bifrost-test-tenants-'));
  const archiveDir = await emptyFolder();
  app = await listenAs(redis, {
    API_TOKEN,
    SECRETS_KEY: Buffer.alloc(32, 1).toString('base64'),
    WEBHOOK_SECRETS: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ROLES: 'worker,api,archive',
    ARCHIVE_DIR: archiveDir,
    ARTIFACTS_DIR: join(folder, 'artifacts'),
    PACKAGES_DIR: join(folder, 'packages'),
  });
  redis.onDispose(async () => {
    await app.nest.close();
    app.nest.get(QueueConsumer, { strict: false }).expedite();
    for (const path of [folder, archiveDir]) await rm(path, { recursive: true, force: true });
  });
  await until(async () => (await fetch(`${app.url}/health/ready`)).status === 200, {
    what: 'the worker is ready',
  });
  for (const [name, role, organizations] of [
    ['reader', 'read', undefined],
    ['acme', 'admin', ['acme']],
    ['acme-submit', 'submit', ['acme']],
    ['both', 'operate', ['acme', OTHER]],
    ['other', 'operate', [OTHER]],
  ] as const)
    tokens[name] = (await makeToken(name, role, organizations && [...organizations])).token;
  await until(async () => (await ask(API_TOKEN, 'GET', '/executions/stats')).status === 200, {
    what: 'the history is open',
  });
  const { paths } = (await ask(API_TOKEN, 'GET', '/openapi.json')).json as {
    paths: Record<string, Record<string, { requestBody?: object }>>;
  };
  operations = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      hasBody: operation.requestBody !== undefined,
    })),
  );
  // What the other organization has.
  const webhook = { url: 'http://127.0.0.1:9/' };
  const ran = await ask(tokens.other, 'POST', '/executions?wait=90', {
    ...EXECUTION,
    execution_id: ID,
    webhook,
  });
  expect(ran.json).toMatchObject({ status: 'succeeded', organization: { id: OTHER } });
  const batch = await ask(tokens.other, 'POST', '/executions/batch', { executions: [EXECUTION] });
  batchId = batch.json['batch_id'] as string;
  const schedule = { cron: '0 0 1 1 *', execution: EXECUTION };
  expect((await ask(tokens.other, 'PUT', `/schedules/${MARK}-schedule`, schedule)).status).toBe(200);
  const secret = `/organizations/${OTHER}/secrets/${MARK}`;
  expect((await ask(tokens.other, 'PUT', secret, { value: 'x'.repeat(20) })).status).toBe(200);
  expect((await ask(API_TOKEN, 'PUT', `/organizations/${OTHER}`, { weight: 2 })).status).toBe(200);
  await until(
    async () =>
      (await ask(tokens.other, 'GET', '/executions/stats')).text.includes(MARK) &&
      (await ask(tokens.other, 'GET', `/batches/${batchId}`)).json['done'] === true,
    { what: 'the history has it' },
  );
});
let batchId = '';

/** A path of an operation that names what the other organization has. */
function pathOf(template: string): string {
  const ids: Readonly<Record<string, string>> = {
    batches: batchId,
    schedules: `${MARK}-schedule`,
    organizations: OTHER,
    workers: 'all',
    tokens: MARK,
  };
  const resource = template.split('/')[1] ?? '';
  return template
    .replace('{id}', ids[resource] ?? ID)
    .replace('{organization}', OTHER)
    .replace('{name}', template.includes('artifacts') ? `${MARK}.txt` : MARK)
    .replace('{generation}', 'current')
    .replace('{path}', 'a.ts')
    .replace('{file}', 'job.json');
}

/** For which no token is needed. */
const isOpen = (path: string): boolean => path.startsWith('/session') || /^\/health\/./.test(path);

describe('every route', () => {
  it('says what a caller needs', () => {
    const routes = routesOf(app.nest);
    expect(routes.length).toBeGreaterThanOrEqual(operations.length);
    expect(routes.filter(({ rule }) => rule === undefined)).toEqual([]);
  });

  it('that changes something refuses a token of the role read', async () => {
    const changes = operations.filter(({ method, path }) => method !== 'GET' && !isOpen(path));
    expect(changes.length).toBeGreaterThanOrEqual(30);
    const answers = changes.map(async ({ method, path, hasBody }) => {
      const { status, json } = await ask(tokens.reader, method, pathOf(path), hasBody ? {} : undefined);
      return [`${method} ${path}`, status, json['type']];
    });
    expect(await Promise.all(answers)).toEqual(
      changes.map(({ method, path }) => [`${method} ${path}`, 403, 'urn:bifrost:problem:forbidden']),
    );
  });

  it('refuses what is no token, and what was one', async () => {
    const { id, token } = await makeToken('for a moment', 'admin');
    expect((await ask(token, 'GET', '/tokens')).status).toBe(200);
    expect((await ask(API_TOKEN, 'DELETE', `/tokens/${id}`)).status).toBe(200);
    await until(async () => (await ask(token, 'GET', '/tokens')).status === 401, { what: 'it is refused' });
    const others = operations.filter(({ path }) => !isOpen(path));
    const answers = others.map(async ({ method, path }) => {
      const wrong = token.slice(0, -1) + (token.endsWith('A') ? 'B' : 'A');
      const statuses = [wrong, token].map(async (one) => (await ask(one, method, pathOf(path))).status);
      return [`${method} ${path}`, ...(await Promise.all(statuses))];
    });
    expect(await Promise.all(answers)).toEqual(
      others.map(({ method, path }) => [`${method} ${path}`, 401, 401]),
    );
  });

  it('shows an organization nothing of another one, and lets it change nothing there', async () => {
    const named = operations.filter(({ path }) => path.includes('{') && !path.startsWith('/schemas'));
    const answers = named.map(async ({ method, path, hasBody }) => {
      const { status } = await ask(tokens.acme, method, pathOf(path), hasBody ? {} : undefined);
      return { name: `${method} ${path}`, status };
    });
    // A schedule of this id is known, whoever asks: it cannot be replaced.
    const wrong = (await Promise.all(answers)).filter(
      ({ name, status }) =>
        status !== 403 && status !== 404 && !(name === 'PUT /schedules/{id}' && status === 409),
    );
    expect(wrong).toEqual([]);
    // Executions and batches have their deliveries under one name.
    for (const path of [`/batches/${ID}/webhooks`, `/executions/${batchId}/webhooks`, `/tasks/${ID}`])
      expect([path, (await ask(tokens.acme, 'GET', path)).status]).toEqual([path, 404]);
    expect(named.length).toBeGreaterThan(30);
  });

  it('lists for an organization what is its own', async () => {
    const lists = operations.filter(
      ({ method, path }) => method === 'GET' && !path.includes('{') && path !== '/executions/events',
    );
    expect(lists.length).toBeGreaterThan(12);
    const shown = lists.map(async ({ path }) => {
      const [own, others] = await Promise.all([
        ask(tokens.acme, 'GET', path),
        ask(tokens.other, 'GET', path),
      ]);
      return { path, leaks: own.text.includes(MARK), ofOther: others.text.includes(MARK) };
    });
    const all = await Promise.all(shown);
    expect(all.filter(({ leaks }) => leaks)).toEqual([]);
    // The test can see it: its own organization is shown all of that.
    expect(all.filter(({ ofOther }) => ofOther).map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/executions',
        '/executions/stats',
        '/executions/export',
        '/organizations',
        '/schedules',
        '/usage',
      ]),
    );
  });

  it('shows each thing to its own organization', async () => {
    const own = operations.filter(
      ({ method, path }) =>
        method === 'GET' && /^\/(executions|batches|schedules|organizations)\/.*\{/.test(path),
    );
    const answers = own.map(async ({ path }) => [
      path,
      (await ask(tokens.other, 'GET', pathOf(path))).status,
    ]);
    expect(await Promise.all(answers)).toEqual(own.map(({ path }) => [path, 200]));
  });
});

describe('a token of one organization', () => {
  it('submits for that alone', async () => {
    const code = { workflow_code: 'console.log(1)' };
    const foreign = { ...code, organization: { id: OTHER } };
    const refused = await ask(tokens['acme-submit'], 'POST', '/executions', foreign);
    expect(refused).toMatchObject({ status: 403, json: { errors: [{ field: 'organization.id' }] } });
    const batch = { executions: [code, foreign], mode: 'each' };
    const some = await ask(tokens['acme-submit'], 'POST', '/executions/batch', batch);
    expect(some.json).toMatchObject({ accepted: 1, refused: 1 });
    expect((await ask(tokens['acme-submit'], 'POST', '/tasks', { code: 'console.log(1)' })).status).toBe(403);
    const schedule = { every: 60_000, execution: foreign };
    expect((await ask(tokens.acme, 'PUT', '/schedules/own', schedule)).status).toBe(403);
    const task = { every: 60_000, task: { code: 'console.log(1)' } };
    expect((await ask(tokens.acme, 'PUT', '/schedules/own', task)).status).toBe(403);
    const own = await ask(tokens['acme-submit'], 'POST', '/executions?wait=90', code);
    expect(own.json).toMatchObject({ status: 'succeeded', organization: { id: 'acme' } });
  });

  it('takes no id and no Idempotency-Key of another one for its own', async () => {
    const code = { workflow_code: 'console.log(1)' };
    const taken = await ask(tokens['acme-submit'], 'POST', '/executions', { ...code, execution_id: ID });
    expect(taken.status).toBe(409);
    const key = { 'idempotency-key': 'the-same' };
    const theirs = await ask(tokens.other, 'POST', '/executions', code, key);
    const ours = await ask(tokens['acme-submit'], 'POST', '/executions', code, key);
    expect([theirs.status, ours.status]).toEqual([202, 202]);
    expect(ours.json['execution_id']).not.toBe(theirs.json['execution_id']);
    const again = await ask(tokens['acme-submit'], 'POST', '/executions', code, key);
    expect(again.json['execution_id']).toBe(ours.json['execution_id']);
  });

  it('takes no id that a tick of a schedule will have', async () => {
    const schedule = `${MARK}-every-second`;
    const execution = { workflow_code: 'export default 1', organization: { id: OTHER } };
    const set = await ask(tokens.other, 'PUT', `/schedules/${schedule}`, { every: 1_000, execution });
    const due = (set.json['next'] as string[])[2] as string;
    const tick = `${schedule}@${due}`;
    const forged = { workflow_code: 'export default 2', execution_id: tick };
    const refused = { status: 400, json: { errors: [{ field: 'execution_id' }] } };
    expect(await ask(tokens['acme-submit'], 'POST', '/executions', forged)).toMatchObject(refused);
    const batch = await ask(tokens['acme-submit'], 'POST', '/executions/batch', {
      executions: [forged],
      mode: 'each',
    });
    expect(batch.json).toMatchObject({ accepted: 0, refused: 1 });
    const ended = await until(
      async () => {
        const { json } = await ask(tokens.other, 'GET', `/executions/${encodeURIComponent(tick)}`);
        return json['status'] === 'succeeded' ? json : null;
      },
      { what: 'the tick has run' },
    );
    expect(ended).toMatchObject({ result: 1, organization: { id: OTHER } });
    expect((await ask(tokens.other, 'DELETE', `/schedules/${schedule}`)).status).toBe(200);
  });

  it('runs nothing of another one again', async () => {
    const body = { filter: { organization: OTHER }, dry_run: true };
    const found = await ask(tokens['acme-submit'], 'POST', '/executions/again', body);
    expect(found).toMatchObject({ status: 202, json: { executions: [] } });
    const theirs = await ask(tokens.other, 'POST', '/executions/again', body);
    expect(theirs.text).toContain(ID);
  });

  it('follows the events of its own executions only', async () => {
    const code = { workflow_code: 'console.log(1)' };
    const text = streamUntil(tokens['acme-submit'], '/executions/events?after=0-0', (seen) =>
      seen.includes('"execution_id":"acme-followed","status":"succeeded"'),
    );
    await ask(tokens.other, 'POST', '/executions?wait=90', { ...code, execution_id: `${MARK}-followed` });
    await ask(tokens.acme, 'POST', '/executions?wait=90', { ...code, execution_id: 'acme-followed' });
    expect(await text).not.toContain(MARK);
    const all = await streamUntil(tokens.both, '/executions/events?after=0-0', (seen) =>
      seen.includes('"execution_id":"acme-followed","status":"succeeded"'),
    );
    expect(all).toContain(`${MARK}-followed`);
  });

  it('makes no token that reaches further than itself', async () => {
    const body = { name: 'more', role: 'read' };
    for (const organizations of [undefined, [OTHER], ['acme', OTHER]])
      expect(await ask(tokens.acme, 'POST', '/tokens', { ...body, organizations })).toMatchObject({
        status: 400,
        json: { errors: [{ field: 'organizations' }] },
      });
    expect((await ask(tokens.acme, 'POST', '/tokens', { ...body, organizations: ['acme'] })).status).toBe(
      201,
    );
    expect((await ask(tokens.both, 'POST', '/tokens', { ...body, organizations: ['acme'] })).status).toBe(
      403,
    );
  });

  it('has a session in the console that may do what it may', async () => {
    const begun = await fetch(`${app.url}/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: tokens['acme-submit'] }),
    });
    const cookie = (begun.headers.get('set-cookie') ?? '').split(';')[0] as string;
    const get = async (path: string) => (await fetch(`${app.url}${path}`, { headers: { cookie } })).json();
    expect(await get('/session')).toMatchObject({
      required: true,
      open: true,
      name: 'acme-submit',
      role: 'submit',
      organizations: ['acme'],
    });
    expect(await get(`/executions/${ID}`)).toMatchObject({ status: 404 });
    const change = await fetch(`${app.url}/queue/pause`, {
      method: 'POST',
      headers: { cookie, 'x-bifrost-console': '1' },
    });
    expect(change.status).toBe(403);
    expect(await (await fetch(`${app.url}/session`)).json()).toMatchObject({ open: false, role: null });
  });
});

describe('the audit log', () => {
  it('has who changed what, and what was refused, first here and then in the archive', async () => {
    const { id, token } = await makeToken('audited', 'operate', ['acme']);
    await ask(token, 'PUT', '/organizations/acme/secrets/AUDITED', { value: 'a value of some length' });
    await ask(token, 'POST', '/queue/pause');
    await ask(token, 'GET', '/workers');
    await ask(token, 'GET', '/executions');
    const read = async () =>
      (await ask(API_TOKEN, 'GET', `/audit?token=${id}`)).json['entries'] as Record<string, unknown>[];
    const entries = await read();
    const common = { token_id: id, token_name: 'audited', role: 'operate', organization: 'acme' };
    expect(entries).toEqual([
      expect.objectContaining({ ...common, action: 'GET /workers', status: 403 }),
      expect.objectContaining({ ...common, action: 'POST /queue/pause', status: 403 }),
      expect.objectContaining({
        ...common,
        action: 'PUT /organizations/:organization/secrets/:name',
        target: '/organizations/acme/secrets/AUDITED',
        status: 200,
      }),
    ]);
    await until(async () => (await redis.connect().xlen('bifrost:audit')) === 0, { what: 'it is archived' });
    expect(await read()).toEqual(entries);
    const first = await ask(API_TOKEN, 'GET', `/audit?token=${id}&limit=1`);
    const rest = await ask(
      API_TOKEN,
      'GET',
      `/audit?token=${id}&cursor=${String(first.json['next_cursor'])}`,
    );
    expect([first.json['entries'], rest.json['entries']].flat()).toEqual(entries);
    expect((await ask(API_TOKEN, 'GET', '/audit')).text).not.toContain('a value of some length');
  });
});

describe('limits of an organization', () => {
  it('hold for its executions at once, and for no others', async () => {
    const limits = { memory_mb: 120, timeout_seconds: 30, output_bytes: 1_000 };
    expect((await ask(API_TOKEN, 'PUT', '/organizations/narrow', { limits })).status).toBe(200);
    const run = async (organization: string, changes: object) =>
      (
        await ask(API_TOKEN, 'POST', '/executions?wait=90', {
          organization: { id: organization },
          ...changes,
        })
      ).json;
    // It ends by its limit only: the worker looks when it comes to it.
    const hungry = {
      workflow_code: `const kept = Buffer.alloc(2e8, 1); await new Promise((resolve) => setTimeout(resolve, 6e5, kept));`,
    };
    const printing = { workflow_code: `for (let n = 0; n < 40; n++) console.log('x'.repeat(99))` };
    const [memory, output, time, other] = await Promise.all([
      run('narrow', hungry),
      run('narrow', printing),
      run('narrow', { workflow_code: '1', timeout_seconds: 31 }),
      run('wide', printing),
    ]);
    expect(memory).toMatchObject({ failure: { code: 'OUT_OF_MEMORY' } });
    // Its beginning, and a line that says what was left out.
    expect((output['stdout'] as string).length).toBeLessThan(1_200);
    expect((other['stdout'] as string).length).toBe(4_000);
    expect(time).toMatchObject({
      failure: { code: 'INVALID_JOB', evidence: { field: 'timeout_seconds' } },
      organization: { id: 'narrow' },
    });
  });
});

describe('a secret of the store', () => {
  it('is in no key of Redis, no row and no file, whatever the code does with it', async () => {
    const value = 'Vq8-tZ2/xW0+7rKd';
    const path = '/organizations/acme/secrets/LEAKED';
    expect((await ask(API_TOKEN, 'PUT', path, { value })).status).toBe(200);
    const leaked = await ask(tokens['acme-submit'], 'POST', '/executions?wait=90', {
      execution_id: 'leaked',
      secret_names: ['LEAKED'],
      workflow_code: `export default (_, context) => {
        const { LEAKED } = context.secrets;
        console.log('printed ' + LEAKED); console.error(Buffer.from(LEAKED).toString('base64'));
        context.variables.seen = LEAKED; context.logger.info('logged', { LEAKED });
        if (LEAKED.length !== ${value.length}) throw new Error('another value');
        throw new Error('thrown with ' + LEAKED);
      }`,
    });
    expect(leaked.json).toMatchObject({ error: 'thrown with [redacted]', organization: { id: 'acme' } });
    const history = `/executions/export?organization=acme&text=leaked`;
    await until(async () => (await ask(tokens.acme, 'GET', history)).text.includes('thrown with'), {
      what: 'it is archived',
    });
    const places = {
      redis: await everythingIn(redis.connect()),
      rows: await rowsOf(app.nest.get(ArchiveDatabase, { strict: false })),
      files: await filesIn(folder),
      answers: (
        await Promise.all(
          [
            '/organizations/acme/secrets',
            '/executions/leaked/input',
            '/executions/leaked/logs',
            '/audit',
          ].map(async (one) => (await ask(API_TOKEN, 'GET', one)).text),
        )
      ).join(),
    };
    expect(places.rows).toContain('thrown with [redacted]');
    for (const [place, text] of Object.entries(places))
      for (const form of [value, Buffer.from(value).toString('base64').slice(0, 20)])
        expect({ place, found: text.includes(form) }).toEqual({ place, found: false });
    expect((await ask(API_TOKEN, 'GET', '/executions/leaked/input')).json['secrets']).toEqual(['LEAKED']);
  });
});

/** Every row of every table, as text. */
async function rowsOf(database: ArchiveDatabase): Promise<string> {
  return database.use(async (db) => {
    const { rows: tables } = await sql<{
      name: string;
    }>`SELECT table_name AS name FROM information_schema.tables
      WHERE table_schema = 'public'`.execute(db);
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await sql<{ row: string }>`SELECT t::text AS row FROM ${sql.table(name)} t`.execute(
        db,
      );
      texts.push(...rows.map(({ row }) => row));
    }
    return texts.join('\n');
  });
}

/** The contents of all files of a folder, of the database too. */
async function filesIn(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const contents = files.map(({ parentPath, name }) =>
    readFile(join(parentPath, name), 'latin1').catch(() => ''),
  );
  return (await Promise.all(contents)).join('\n');
}

describe('quotas', () => {
  it('refuse new work with the time at which they begin anew, and count each execution once', async () => {
    const token = (await makeToken('quota', 'submit', ['bounded'])).token;
    const settings = { quotas: { executions: { limit: 1 } } };
    expect((await ask(API_TOKEN, 'PUT', '/organizations/bounded', settings)).status).toBe(200);
    const code = { workflow_code: 'const end = Date.now() + 30; while (Date.now() < end);' };
    const headers = { 'idempotency-key': 'first' };
    const first = await ask(token, 'POST', '/executions?wait=90', code, headers);
    expect(first.json).toMatchObject({ status: 'succeeded' });
    await until(async () => (await ask(token, 'GET', '/usage')).text.includes('bounded'), {
      what: 'it is counted',
    });
    const refused = await ask(token, 'POST', '/executions', code);
    expect(refused).toMatchObject({
      status: 429,
      json: {
        type: 'urn:bifrost:problem:quota-exceeded',
        organization: 'bounded',
        quota: 'executions',
        limit: 1,
        used: 1,
      },
    });
    expect(Date.parse(refused.json['resets_at'] as string)).toBeGreaterThan(Date.now());
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ask(token, 'POST', '/executions/batch', { executions: [code] })).status).toBe(429);
    // What was accepted before is no new work.
    expect((await ask(token, 'POST', '/executions', code, headers)).status).toBe(202);
    const [row] = (await ask(token, 'GET', '/usage')).json['usage'] as Record<string, number>[];
    expect(row).toMatchObject({ organization: 'bounded', executions: 1, artifact_bytes: 0 });
    expect(row?.['cpu_seconds']).toBeGreaterThan(0);
    const csv = await ask(token, 'GET', '/usage?format=csv');
    expect(csv.text.split('\r\n')[0]).toBe(
      'day,organization,executions,cpu_seconds,network_bytes,artifact_bytes',
    );
    expect(csv.text).toContain(',bounded,1,');
  });
});
