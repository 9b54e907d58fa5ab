import { beforeAll, describe, expect, it } from '@jest/globals';
import { sha256 } from '../../../src/lib/sha256.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const startWorker = useWorkers();
let worker: WorkerProcess;

beforeAll(async () => {
  worker = await startWorker({ env: { REDIS_URL: redis.url, ROLES: 'api' } });
});

interface Answer {
  status: number;
  type: string | null;
  body: Record<string, unknown>;
}

async function ask(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${worker.url}${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  const type = response.headers.get('content-type');
  const text = await response.text();
  return { status: response.status, type, body: type?.includes('json') ? JSON.parse(text) : { text } };
}

const publish = (body: object): Promise<Answer> => ask('PUT', '/workspace', body);
const current = async (): Promise<unknown> => (await ask('GET', '/workspace')).body['current'];

describe('PUT /workspace', () => {
  it('publishes all files at once, and says what changed', async () => {
    expect(await current()).toBeNull();
    const first = await publish({ files: { 'a.ts': '1', 'b/c.ts': '2' }, expected: null, message: 'm' });
    expect(first).toMatchObject({
      status: 200,
      body: { generation: 1, diff: { added: ['a.ts', 'b/c.ts'], changed: [], removed: [] } },
    });
    const second = await publish({ files: { 'a.ts': '3' }, expected: 1 });
    expect(second.body).toEqual({
      generation: 2,
      diff: { added: [], changed: ['a.ts'], removed: ['b/c.ts'] },
    });
    expect((await ask('GET', '/workspace')).body).toMatchObject({
      current: 2,
      generation: 2,
      log: [{ generation: 2 }, { generation: 1, message: 'm' }],
      paths: { 'a.ts': sha256('3') },
    });
  });

  it('makes no second generation of the same files', async () => {
    const { body } = await publish({ files: { 'same.ts': '1' } });
    expect((await publish({ files: { 'same.ts': '1' } })).body['generation']).toBe(body['generation']);
  });

  it('names by hash what it lacks, takes it apart, and publishes then', async () => {
    const source = 'export const sent = "in two steps";';
    const request = { paths: { 'kept.ts': sha256('1'), 'sent.ts': sha256(source) } };
    await publish({ files: { 'kept.ts': '1' } });
    const before = await current();
    expect(await publish(request)).toMatchObject({
      status: 422,
      type: 'application/problem+json; charset=utf-8',
      body: { type: 'urn:bifrost:problem:sources-missing', missing: [sha256(source)] },
    });
    expect(await current()).toBe(before);
    const stored = await ask('PUT', '/workspace/sources', { sources: [source] });
    expect(stored.body).toEqual({ hashes: [sha256(source)] });
    expect((await publish(request)).body).toMatchObject({ diff: { added: ['sent.ts'] } });
    const ttl = await redis.connect().ttl(`bifrost:workspace:blob:${sha256(source)}`);
    expect(ttl).toBe(-1);
  });

  it('removes sources without a publish after a day', async () => {
    await ask('PUT', '/workspace/sources', { sources: ['never published'] });
    const ttl = await redis.connect().ttl(`bifrost:workspace:blob:${sha256('never published')}`);
    expect(ttl).toBeGreaterThan(86_000);
  });

  it('gives a publisher with an outdated expectation the current generation', async () => {
    await publish({ files: { 'a.ts': '1' } });
    expect(await publish({ files: { 'a.ts': '2' }, expected: 9999 })).toMatchObject({
      status: 409,
      body: { type: 'urn:bifrost:problem:outdated', current: await current() },
    });
  });

  it('names every path that cannot be published', async () => {
    const before = await current();
    const files = { '../up.ts': '1', '/abs.ts': '1', 'ok.ts': '1', 'node_modules/x.js': '1' };
    const { status, body } = await publish({ files });
    expect(status).toBe(400);
    const fields = (body['errors'] as { field: string }[]).map(({ field }) => field);
    expect(fields).toEqual(['../up.ts', '/abs.ts', 'node_modules/x.js']);
    expect(await current()).toBe(before);
  });

  it('names every syntax error with its place, and publishes nothing', async () => {
    const before = await current();
    const files = { 'good.ts': '1', 'bad.ts': 'const a = 1;\nconst = 2;', 'x.txt': '(' };
    const { status, body } = await publish({ files });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      type: 'urn:bifrost:problem:syntax-errors',
      errors: [{ field: 'bad.ts', line: 2, column: 7 }],
    });
    expect(await current()).toBe(before);
  });

  it('stores JSON that no code can read, as tsconfig.json with comments is', async () => {
    const files = { 'good.ts': '1', 'tsconfig.json': '{ // comment\n }', 'data.json': '{' };
    expect(await publish({ files, dry_run: true })).toMatchObject({ status: 200 });
  });

  it.each([
    [{}, 'files'],
    [{ files: {}, paths: {} }, 'files'],
    [{ files: { 'a.ts': 1 } }, 'files.a.ts'],
    [{ files: {}, expected: 'one' }, 'expected'],
    [{ paths: { 'a.ts': 'no hash' } }, 'a.ts'],
  ])('refuses %j by field', async (body, field) => {
    const answer = await publish(body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  it('checks everything and publishes nothing in a dry run', async () => {
    const before = await current();
    const answer = await publish({ files: { 'dry.ts': '1' }, dry_run: true });
    expect(answer.body).toMatchObject({ generation: null, diff: { added: ['dry.ts'] } });
    expect(await current()).toBe(before);
  });

  it('makes a temporary generation that is neither current nor in the log', async () => {
    const before = await current();
    const { body } = await publish({ files: { 'temporary.ts': '1' }, temporary: true });
    expect(await current()).toBe(before);
    const view = await ask('GET', `/workspace?generation=${String(body['generation'])}`);
    expect(view.body['paths']).toEqual({ 'temporary.ts': sha256('1') });
    const log = view.body['log'] as { generation: number }[];
    expect(log.map(({ generation }) => generation)).not.toContain(body['generation']);
  });

  it('takes more than other routes do', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 10 }, (_, index) => [`large/${index}.txt`, `${index}`.repeat(1_500_000)]),
    );
    expect((await publish({ files })).status).toBe(200);
    const code = 'x'.repeat(15_000_000);
    expect((await ask('POST', '/executions', { workflow_code: code })).status).toBe(413);
  });
});

describe('generations', () => {
  it('can be gone back to, compared and read', async () => {
    const odd = 'folder with blank/ü#?%.ts';
    const first = (await publish({ files: { 'a.ts': 'good', [odd]: 'odd' } })).body['generation'];
    const second = (await publish({ files: { 'a.ts': 'bad' } })).body['generation'];
    expect((await ask('GET', `/workspace/diff?from=${String(first)}&to=${String(second)}`)).body).toEqual({
      added: [],
      changed: ['a.ts'],
      removed: [odd],
    });
    const back = await ask('POST', '/workspace/rollback', { generation: first, expected: second });
    expect(back).toMatchObject({ status: 200, body: { parent: second, files: 2 } });
    const path = odd.split('/').map(encodeURIComponent).join('/');
    expect(await ask('GET', `/workspace/current/files/${path}`)).toMatchObject({
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: { text: 'odd' },
    });
    expect((await ask('GET', `/workspace/${String(second)}/files/${path}`)).status).toBe(404);
    expect((await ask('GET', '/workspace/none/files/a.ts')).status).toBe(400);
  });

  it('that are not there are not found', async () => {
    expect((await ask('POST', '/workspace/rollback', { generation: 9999 })).status).toBe(404);
    expect((await ask('GET', '/workspace?generation=9999')).status).toBe(404);
    expect((await ask('GET', '/workspace/diff?from=9999&to=1')).status).toBe(404);
    expect((await ask('POST', '/workspace/rollback', {})).body).toMatchObject({
      errors: [{ field: 'generation' }],
    });
  });
});

describe('without Redis', () => {
  it('says that nothing was switched, soon', async () => {
    await redis.stop();
    for (const answer of await Promise.all([
      publish({ files: { 'a.ts': '1' } }),
      ask('PUT', '/workspace/sources', { sources: ['1'] }),
      ask('POST', '/workspace/rollback', { generation: 1 }),
      ask('GET', '/workspace'),
    ])) {
      expect(answer).toMatchObject({ status: 503, body: { type: 'urn:bifrost:problem:unavailable' } });
    }
    await redis.start();
  });
});
