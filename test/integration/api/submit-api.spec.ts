import { afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { Idempotency } from '../../../src/api/executions/idempotency.service.js';
import { jobIdOf } from '../../../src/contract/jobs/job-id.js';
import { WORK_QUEUE } from '../../../src/queue/queue-tokens.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { IMPATIENT_REDIS } from '../../../src/redis/redis.module.js';
import { type Application, openApplication } from '../../support/application.js';
import { aResult } from '../../support/archive-parts.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const KEY_PREFIX = 'submit:';
const keys = new RedisKeys(KEY_PREFIX);
const DAY_MS = 86_400_000;

let first: Application;
let second: Application;
let queue: Queue;
let client: RedisClient;

interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { detail?: string; errors?: { field: string; message: string }[] };
}

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
  { url }: Application = first,
): Promise<Answer> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Answer['body'],
  };
}
const get = async (path: string) => (await (await fetch(`${first.url}${path}`)).json()) as Answer['body'];
const fieldsOf = ({ body }: Answer): string[] => (body.errors ?? []).map(({ field }) => field);
const jobOf = async ({ body }: Answer) =>
  queue.getJob(jobIdOf((body['execution_id'] ?? body['id']) as string));

beforeAll(async () => {
  const env = { ROLES: 'api', KEY_PREFIX, MAX_TIMEOUT_SECONDS: '600' };
  const webhooks = {
    WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
    WEBHOOK_ENDPOINTS: 'crm=https://crm.example.com/hooks',
  };
  [first, second] = await Promise.all([
    openApplication(redis, { ...env, ...webhooks }),
    openApplication(redis, env),
  ]);
  queue = first.nest.get<Queue>(WORK_QUEUE);
  client = redis.connect();
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe('what was asked for', () => {
  const nothing = {
    workflow_code: null,
    file_path: null,
    function_name: null,
    parameters: null,
    timeout_seconds: null,
    workspace_generation: null,
    secrets: [],
  };
  const inputOf = async ({ body }: Answer) =>
    get(`/executions/${String(body['execution_id'] ?? body['id'])}/input`);

  it('is shown, without secrets wherever they stand', async () => {
    const answer = await post('/executions', {
      file_path: 'workflows/greet.ts',
      function_name: 'greet',
      timeout_seconds: 5,
      parameters: { name: 'Ada', url: 'https://x.example/?key=hunter2-hunter2' },
      secrets: { KEY: 'hunter2-hunter2' },
    });
    expect(await inputOf(answer)).toEqual({
      ...nothing,
      execution_id: answer.body['execution_id'],
      file_path: 'workflows/greet.ts',
      function_name: 'greet',
      timeout_seconds: 5,
      parameters: { name: 'Ada', url: 'https://x.example/?key=[redacted]' },
      secrets: ['KEY'],
    });
  });

  it('is shown of tasks, and of contexts of other producers', async () => {
    const answer = await post('/tasks', { code: 'console.log(1)', timeout: 7 });
    expect(await inputOf(answer)).toMatchObject({ workflow_code: 'console.log(1)', timeout_seconds: 7 });
    const script = Buffer.from('console.log("of a key")').toString('base64');
    await client.set(keys.context('own'), JSON.stringify({ code: script }));
    expect(await get('/executions/own/input')).toMatchObject({ workflow_code: 'console.log("of a key")' });
    await client.set(keys.context('own'), JSON.stringify({ code: script, secrets: { a: 'elsewhere' } }));
    expect(await get('/executions/own/input')).toEqual({ ...nothing, execution_id: 'own', secrets: ['a'] });
  });

  it.each(['not json', '{}', '[]', 'null'])('is a 404 where it is %s', async (document) => {
    await client.set(keys.context('broken'), document);
    expect(await get('/executions/broken/input')).toMatchObject({ status: 404 });
  });
});

describe('when and in which order', () => {
  it.each([
    ['/executions', { workflow_code: '1' }],
    ['/tasks', { code: '1' }],
  ])('%s begins is an option of the job', async (path, body) => {
    const answer = await post(path, { ...body, delay: 60_000, priority: 5, attempts: 2, backoff: 10 });
    expect(answer.status).toBe(202);
    expect((await jobOf(answer))?.opts).toMatchObject({
      delay: 60_000,
      priority: 5,
      attempts: 2,
      backoff: { type: 'fixed', delay: 10 },
    });
  });

  it('is said in the answer of everything that queues executions', async () => {
    const later = { workflow_code: '1', run_at: new Date(Date.now() + 60_000).toISOString() };
    const key = { 'idempotency-key': randomUUID() };
    for (const body of [later, { workflow_code: '1', delay: 60_000 }])
      expect((await post('/executions', body)).body['status']).toBe('delayed');
    for (const past of [{ delay: 0 }, { run_at: new Date(Date.now() - 1_000).toISOString() }])
      expect((await post('/executions', { workflow_code: '1', ...past })).body['status']).toBe('queued');
    const answers = [await post('/executions', later, key), await post('/executions', later, key)];
    expect(answers.map(({ body }) => body)).toEqual([answers[0]?.body, answers[0]?.body]);
    expect(answers[0]?.body['status']).toBe('delayed');
    const { body: batch } = await post('/executions/batch', { executions: [later, { workflow_code: '1' }] });
    expect(batch).toMatchObject({ accepted: 2, executions: [{ status: 'delayed' }, { status: 'queued' }] });
    const [ended, delayed] = [randomUUID(), { delay: 60_000 }];
    await client.set(keys.context(ended), JSON.stringify({ workflow_code: '1' }));
    await client.set(keys.result(ended), JSON.stringify(aResult(ended)));
    expect((await post(`/executions/${ended}/again`, delayed)).body['status']).toBe('delayed');
  });

  it('the context is kept until the end of a delay and as long as a result after that', async () => {
    const answer = await post('/executions', { workflow_code: '1', delay: DAY_MS });
    const ttl = await client.ttl(keys.context(answer.body['execution_id'] as string));
    expect(ttl).toBeGreaterThan(7 * 86_400 + 86_400);
    expect(JSON.parse((await client.get(keys.context(answer.body['execution_id'] as string))) ?? '')).toEqual(
      {
        workflow_code: '1',
      },
    );
  });

  it.each([
    ['/executions', 'run_at', 'expires_at', { workflow_code: '1' }],
    ['/tasks', 'runAt', 'expiresAt', { code: '1' }],
  ])('%s takes a time, and a time by which it must have begun', async (path, field, expiry, body) => {
    const time = Date.now() + 3_600_000;
    const answer = await post(path, { ...body, [field]: new Date(time).toISOString(), ttl: 30 });
    const job = await jobOf(answer);
    expect(Math.abs((job?.timestamp ?? 0) + (job?.opts.delay ?? 0) - time)).toBeLessThan(60_000);
    expect(job?.data).toMatchObject({ [expiry]: time + 30_000 });
  });

  it.each([
    ['delay', { delay: -1 }],
    ['delay', { delay: '5s' }],
    ['delay', { delay: 400 * DAY_MS }],
    ['priority', { priority: 2 ** 21 }],
    ['ttl', { ttl: 0 }],
    ['run_at', { run_at: 'tomorrow' }],
    ['run_at', { run_at: '2026-11-30T12:00:00' }],
    ['run_at', { run_at: '9999-01-01T00:00:00Z' }],
    ['run_at', { run_at: '2026-11-30T12:00:00Z', delay: 5 }],
    ['backoff', { backoff: { type: 'fixed', delay: 1, jiter: 1 } }],
  ])('a wrong %s is refused by name', async (field, fields) => {
    const answer = await post('/executions', { workflow_code: '1', ...fields });
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 400, fields: [field] });
  });
});

describe('a webhook', () => {
  const webhook = { url: 'https://example.com/hook' };

  it.each([
    ['/executions', { workflow_code: '1' }],
    ['/tasks', { code: '1' }],
  ])('of %s is part of the job', async (path, body) => {
    expect((await jobOf(await post(path, { ...body, webhook })))?.data).toMatchObject({ webhook });
    const named = { endpoint: 'crm' };
    expect((await jobOf(await post(path, { ...body, webhook: named })))?.data).toMatchObject({
      webhook: named,
    });
  });

  it('of a batch waits on the queue of webhooks until that has ended', async () => {
    const { body } = await post('/executions/batch', { executions: [{ workflow_code: '1' }], webhook });
    const messages = await client.lrange('submit:bull:bifrost-executions-webhooks:wait', 0, -1);
    const [message] = await Promise.all(
      messages.map((id) => client.hget(`submit:bull:bifrost-executions-webhooks:${id}`, 'data')),
    );
    expect(JSON.parse(message as string)).toMatchObject({ to: webhook, batch: body['batch_id'] });
  });

  it.each([
    ['webhook.url', {}],
    ['webhook.url', { url: 'ftp://example.com' }],
    ['webhook.url', { url: 'https://user:pass@example.com' }],
    ['webhook.url', { url: 'https://example.com', endpoint: 'crm' }],
    ['webhook.endpoint', { endpoint: 'cmr' }],
    ['webhook', { ...webhook, secret: 'x' }],
    ['webhook', 'https://example.com'],
  ])('with a wrong %s is refused by name', async (field, wrong) => {
    for (const [path, body] of [
      ['/executions', { workflow_code: '1', webhook: wrong }],
      ['/executions/batch', { executions: [{ workflow_code: '1' }], webhook: wrong }],
    ] as const) {
      const answer = await post(path, body);
      expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 400, fields: [field] });
    }
  });

  it('is refused where no secret could sign its messages', async () => {
    const answer = await post('/executions', { workflow_code: '1', webhook }, {}, second);
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 400, fields: ['webhook'] });
    expect(answer.body.detail).toContain('WEBHOOK_SECRETS');
  });
});

describe('an Idempotency-Key', () => {
  const withKey = () => ({ 'idempotency-key': randomUUID() });

  it('makes of fifty requests to two processes one execution, with fifty equal answers', async () => {
    const headers = withKey();
    const before = await queue.getWaitingCount();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        post('/executions', { workflow_code: 'idempotent' }, headers, n % 2 === 0 ? first : second),
      ),
    );
    expect(new Set(answers.map(({ status, body }) => JSON.stringify({ status, body })))).toEqual(
      new Set([JSON.stringify({ status: 202, body: answers[0]?.body })]),
    );
    expect(answers.filter(({ headers: own }) => own.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(await queue.getWaitingCount()).toBe(before + 1);
  });

  it.each([
    ['before it has queued it', false],
    ['after it has queued it', true],
  ])('is carried on by another process when one ends %s', async (_when, wasQueued) => {
    const headers = withKey();
    const before = await queue.getWaitingCount();
    const lost = first.nest.get(Idempotency);
    // The last step of the first process never happens, or not even the one before.
    jest.spyOn(lost, 'accept').mockRejectedValue(new Error('gone'));
    if (!wasQueued) jest.spyOn(first.nest.get<Queue>(WORK_QUEUE), 'add').mockRejectedValue(new Error('gone'));
    const body = { workflow_code: 'x', secrets: { token: 'abc' } };
    expect((await post('/executions', body, headers)).status).toBe(500);
    const answer = await post('/executions', body, headers, second);
    expect(answer.status).toBe(202);
    expect(await queue.getWaitingCount()).toBe(before + 1);
    expect(await jobOf(answer)).toBeDefined();
  });

  it('asks for nothing again that has ended and left the queue, nor when fields come in another order', async () => {
    const headers = withKey();
    const { body } = await post('/executions', { workflow_code: '1', parameters: { a: 1, b: 2 } }, headers);
    const id = body['execution_id'] as string;
    await client.set(keys.result(id), JSON.stringify(aResult(id)));
    await queue.remove(jobIdOf(id));
    const again = await post('/executions', { parameters: { b: 2, a: 1 }, workflow_code: '1' }, headers);
    expect(again).toMatchObject({ status: 202, body });
    expect(await queue.getJob(jobIdOf(id))).toBeUndefined();
    // And whoever waits gets the result.
    const waited = await post(
      '/executions?wait=5',
      { workflow_code: '1', parameters: { a: 1, b: 2 } },
      headers,
    );
    expect(waited).toMatchObject({ status: 200, body: { execution_id: id, status: 'succeeded' } });
  });

  it('of another body, or of the other dialect, is a conflict that says so', async () => {
    const headers = withKey();
    await post('/tasks', { code: '1' }, headers);
    for (const [path, body] of [
      ['/tasks', { code: '2' }],
      ['/executions', { workflow_code: '1' }],
    ] as const) {
      const answer = await post(path, body, headers);
      expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({
        status: 409,
        fields: ['Idempotency-Key'],
      });
      expect(answer.body.detail).toContain('another body');
    }
  });

  it('goes with an id of the client, which is known by then, and does not lift a conflict with others', async () => {
    const headers = withKey();
    const body = { workflow_code: '1', execution_id: randomUUID() };
    const answers = await Promise.all([1, 2, 3, 4].map(() => post('/executions', body, headers)));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
    expect((await post('/executions', body, withKey())).status).toBe(409);
  });

  it('that cannot be one is refused', async () => {
    const answer = await post('/executions', { workflow_code: '1' }, { 'idempotency-key': 'a b' });
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({
      status: 400,
      fields: ['Idempotency-Key'],
    });
  });
});

describe('a batch', () => {
  const good = { workflow_code: '1' };
  const wrong = { workflow_code: '1', timeout: 5 };

  it('of a thousand is accepted with one answer for each, and counts how they end', async () => {
    const before = await queue.getWaitingCount();
    const ping = jest.spyOn(first.nest.get<RedisClient>(IMPATIENT_REDIS), 'ping');
    const { status, body } = await post('/executions/batch', { executions: Array(1_000).fill(good) });
    expect(ping).toHaveBeenCalledTimes(1);
    const entries = body['executions'] as { execution_id: string; index: number }[];
    expect({ status, accepted: body['accepted'], refused: body['refused'] }).toEqual({
      status: 202,
      accepted: 1_000,
      refused: 0,
    });
    expect(entries.map(({ index }) => index)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(await queue.getWaitingCount()).toBe(before + 1_000);
    const id = body['batch_id'] as string;
    expect(entries[7]?.execution_id).toBe(`${id}-7`);
    expect(await get(`/batches/${id}`)).toMatchObject({ total: 1_000, ended: 0, done: false, statuses: {} });
    for (const [n, { execution_id }] of entries.entries()) {
      const outcome = n < 10 ? ({ status: 'failed', success: false } as const) : {};
      await client.set(keys.result(execution_id), JSON.stringify(aResult(execution_id, outcome)));
    }
    expect(await get(`/batches/${id}`)).toMatchObject({
      total: 1_000,
      ended: 1_000,
      done: true,
      statuses: { failed: 10, succeeded: 990 },
    });
  });

  it('is refused as a whole for one wrong entry, which is named', async () => {
    const before = await queue.getWaitingCount();
    const answer = await post('/executions/batch', { executions: [good, wrong, 7] });
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({
      status: 400,
      fields: ['executions.1.timeout', 'executions.2.body'],
    });
    expect(await queue.getWaitingCount()).toBe(before);
  });

  it('leaves the others as they are, if that is asked for', async () => {
    const taken = randomUUID();
    await post('/executions', { ...good, execution_id: taken });
    const { status, body } = await post('/executions/batch', {
      mode: 'each',
      executions: [
        wrong,
        good,
        { ...good, execution_id: taken },
        { ...good, execution_id: 'twice' },
        { ...good, execution_id: 'twice' },
        { ...good, timeout_seconds: 601 },
      ],
    });
    expect({ status, accepted: body['accepted'] }).toEqual({ status: 202, accepted: 2 });
    expect(body['executions']).toMatchObject([
      { status: 'refused', errors: [{ field: 'timeout' }] },
      { status: 'queued' },
      { status: 'refused', execution_id: taken, errors: [{ field: 'execution_id' }] },
      { status: 'queued', execution_id: 'twice' },
      { status: 'refused', execution_id: 'twice' },
      { status: 'refused', errors: [{ field: 'timeout_seconds' }] },
    ]);
  });

  it('with an id that is taken is refused as a whole', async () => {
    const taken = randomUUID();
    await post('/executions', { ...good, execution_id: taken });
    const answer = await post('/executions/batch', { executions: [good, { ...good, execution_id: taken }] });
    expect(fieldsOf(answer)).toEqual(['executions.1.execution_id']);
  });

  it('comes once with an Idempotency-Key', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const before = await queue.getWaitingCount();
    const batch = { executions: [good, { ...good, execution_id: randomUUID() }] };
    const answers = await Promise.all(
      [first, second, first].map((application) => post('/executions/batch', batch, headers, application)),
    );
    for (const { status, body } of answers)
      expect({ status, body }).toEqual({ status: 202, body: answers[0]?.body });
    expect(await queue.getWaitingCount()).toBe(before + 2);
    expect((await post('/executions/batch', { executions: [good] }, headers)).status).toBe(409);
  });

  it.each([
    ['executions', { executions: [] }],
    ['executions', { executions: Array(1_001).fill(good) }],
    ['mode', { executions: [good], mode: 'some' }],
    ['execution', { executions: [good], execution: good }],
  ])('with a wrong %s is refused by name', async (field, body) => {
    const answer = await post('/executions/batch', body);
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 400, fields: [field] });
  });

  it('that was never submitted is not found', async () => {
    expect((await fetch(`${first.url}/batches/never`)).status).toBe(404);
  });
});
