import { beforeAll, describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { listenAs } from '../../support/application.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
let url = '';
/** Method and path of each operation, with names in place of parameters. */
let operations: (readonly [method: string, path: string])[] = [];

beforeAll(async () => {
  const app = await listenAs(redis, { ROLES: 'api' });
  redis.onDispose(() => app.nest.close());
  url = app.url;
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: Record<string, object> };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'a')] as const),
  );
});

const ask = (method: string, path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(url + path, { method, ...init });
const listed = (allow: string | null): string[] => (allow ?? '').split(', ');

describe('a method that an address does not have', () => {
  it('is a 405 that names those it has, at every address of the document', async () => {
    const paths = new Set(operations.map(([, path]) => path));
    expect(paths.size).toBeGreaterThan(40);
    for (const path of paths) {
      const answer = await ask('PATCH', path);
      const documented = operations.filter(([, other]) => other === path).map(([method]) => method);
      expect({ path, status: answer.status, type: answer.headers.get('content-type') }).toEqual({
        path,
        status: 405,
        type: 'application/problem+json; charset=utf-8',
      });
      expect(listed(answer.headers.get('allow'))).toEqual(expect.arrayContaining(documented));
      expect(await answer.json()).toMatchObject({
        type: 'urn:bifrost:problem:method-not-allowed',
        detail: expect.stringContaining(documented[0] as string),
        instance: path,
      });
    }
  });

  it.each([
    ['DELETE', '/executions', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/executions/an%2Fid?wait=1', 'DELETE, GET, HEAD, OPTIONS'],
    ['GET', '/queue/pause', 'POST, OPTIONS'],
  ])('%s %s may be one of %s', async (method, path, allow) => {
    const answer = await ask(method, path);
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
  });

  it('leaves addresses that are not there a 404', async () => {
    for (const path of ['/nothing', '/executions/a/nothing', '/executions//logs', '/queue/pause/x'])
      expect([path, (await ask('PUT', path)).status]).toEqual([path, 404]);
  });
});

it('says to OPTIONS which methods there are', async () => {
  const answer = await ask('OPTIONS', '/schedules/nightly');
  expect([answer.status, answer.headers.get('allow'), await answer.text()]).toEqual([
    204,
    'DELETE, GET, HEAD, PUT, OPTIONS',
    '',
  ]);
  expect((await ask('OPTIONS', '/nothing')).status).toBe(404);
});

describe('a body in an encoding', () => {
  const send = (encoding: string, body: Buffer | string): Promise<Response> =>
    ask('POST', '/executions', {
      headers: { 'content-type': 'application/json', 'content-encoding': encoding },
      body: new Uint8Array(Buffer.from(body)),
    });

  it('is refused by what it is, and not as JSON that cannot be read', async () => {
    const answer = await send('gzip', gzipSync('{"workflow_code":"1"}'));
    expect([answer.status, answer.headers.get('accept-encoding')]).toEqual([415, 'identity']);
    expect(await answer.json()).toMatchObject({
      errors: [{ field: 'body', message: expect.stringContaining('gzip') }],
    });
  });

  it('is taken as it is where it is in none', async () => {
    expect((await send('Identity', '{"workflow_code":"1"}')).status).toBe(202);
    expect((await ask('GET', '/queue', { headers: { 'content-encoding': 'gzip' } })).status).toBe(200);
  });
});

it.each(['since', 'until'])('refuses a day as %s that no calendar has', async (field) => {
  expect((await ask('GET', `/executions/stats?${field}=2026-02-30`)).status).toBe(400);
  expect((await ask('GET', `/usage?${field}=2026-06-31`)).status).toBe(400);
});

describe('an address without a body', () => {
  const json = { headers: { 'content-type': 'application/json' } };

  it.each([
    ['POST', '/queue/pause'],
    ['POST', '/queue/resume'],
    ['DELETE', '/organizations/acme'],
  ])('takes %s %s of a client that always names a type, and an empty object', async (method, path) => {
    for (const init of [json, { ...json, body: '{}' }]) {
      const { status } = await ask(method, path, init);
      expect([200, 404]).toContain(status);
    }
  });

  it.each([
    ['DELETE', '/executions/a', '{"reason":"too late"}', 'reason'],
    ['POST', '/queue/pause', '{"minutes":5}', 'minutes'],
    ['POST', '/schedules/a/run', '["now"]', 'body'],
  ])('refuses %s %s with %s', async (method, path, body, field) => {
    const answer = await ask(method, path, { ...json, body });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field, message: expect.any(String) }] });
    expect(await (await ask('GET', '/queue')).json()).toMatchObject({ paused: false });
  });

  it('is none that needs one', async () => {
    const answer = await ask('POST', '/executions', json);
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ field: 'body', message: expect.any(String) }] });
  });
});
