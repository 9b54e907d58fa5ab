import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Queue } from 'bullmq';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ExecutionLookup } from '../../../src/api/executions/execution-lookup.service.js';
import { ResultWaiter } from '../../../src/api/executions/result-waiter.js';
import { Bell } from '../../../src/lib/bell.js';
import { QueueConsumer } from '../../../src/worker/queue-consumer.js';
import { WORK_QUEUE } from '../../../src/queue/queue-tokens.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { listenAs } from '../../support/application.js';
import { type Gate, startGate } from '../../support/servers/gate.js';
import { type TestRedis, useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

const TOKEN = 'the-token-of-this-suite';
const DAY_MS = 86_400_000;
const redis = useRedis();
let folder = '';
let client: RedisClient;

interface Answer {
  status: number;
  type: string | null;
  headers: Headers;
  body: Record<string, unknown> & { errors?: { field: string; message: string }[] };
}

/** The application as bootstrap makes it, listening, with a client for it. */
class App {
  private closed: Promise<void> | undefined;

  private constructor(
    readonly nest: NestFastifyApplication,
    readonly url: string,
    private readonly works: boolean,
  ) {}

  static async open(server: TestRedis, env: Record<string, string>): Promise<App> {
    const { nest, url, settings } = await listenAs(server, {
      PACKAGES_DIR: join(folder, 'packages'),
      // The worker's last resort ends the process, which is jest's here.
      DRAIN_TIMEOUT_SECONDS: '3600',
      ...env,
    });
    const app = new App(nest, url, settings.ROLES.includes('worker'));
    // Before its server goes: a worker without Redis would wait for it.
    server.onDispose(() => app.close());
    return app;
  }

  async ask(method: string, path: string, body?: unknown, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : {
            body: typeof body === 'string' ? body : JSON.stringify(body),
            headers: { 'content-type': 'application/json' },
          }),
      ...init,
    });
    const { status, headers } = response;
    return {
      status,
      headers,
      type: headers.get('content-type'),
      body: (await response.json()) as Answer['body'],
    };
  }

  get = (path: string, init?: RequestInit) => this.ask('GET', path, undefined, init);
  post = (path: string, body: unknown) => this.ask('POST', path, body);
  close(): Promise<void> {
    this.closed ??= this.stop();
    return this.closed;
  }

  private async stop(): Promise<void> {
    await this.nest.close();
    // Ends the timer of the drain deadline too, which would keep jest from exiting.
    if (this.works) this.nest.get(QueueConsumer, { strict: false }).expedite();
  }

  get queue(): Queue {
    return this.nest.get<Queue>(WORK_QUEUE);
  }
}

const fieldsOf = ({ body }: Answer): string[] => (body.errors ?? []).map(({ field }) => field);
const PROBLEM = 'application/problem+json; charset=utf-8';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bifrost-test-api-'));
  client = redis.connect();
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('with a worker in the same process', () => {
  let app: App;
  let gate: Gate;
  afterAll(() => gate.close());
  beforeAll(async () => {
    gate = await startGate();
    app = await App.open(redis, {
      ROLES: 'worker,api',
      NETWORK: 'proxy',
      NETWORK_ALLOW: new URL(gate.url).host,
      WORKER_ID: 'w1',
      KEY_PREFIX: 'both:',
      CONCURRENCY: '2',
    });
  });
  const ended = (path: string): Promise<Answer> =>
    until(
      async () => {
        const answer = await app.get(path);
        // A crowded machine may be told to try again.
        if (answer.status === 503) return null;
        return ['queued', 'running'].includes(answer.body['status'] as string) ? null : answer;
      },
      { what: `${path} has ended` },
    );

  it('takes a task and shows its result', async () => {
    const { status, headers, body } = await app.post('/tasks', { code: 'console.log(2 + 2)' });
    expect({ status, body }).toEqual({ status: 202, body: { id: expect.any(String), status: 'queued' } });
    expect(headers.get('location')).toBe(`/tasks/${body['id'] as string}`);
    expect((await ended(`/tasks/${body['id'] as string}`)).body).toEqual({
      id: body['id'],
      taskId: body['id'],
      workerId: 'w1',
      status: 'completed',
      result: { stdout: '4\n', stderr: '', exitCode: 0 },
      executionTimeMs: expect.any(Number),
    });
  });

  it('shows a task that failed', async () => {
    const { body } = await app.post('/tasks', { code: 'process.exit(3)' });
    expect((await ended(`/tasks/${body['id'] as string}`)).body).toMatchObject({
      status: 'failed',
      errorMessage: 'The code exited with code 3',
      result: { exitCode: 3 },
    });
  });

  it('answers a wait for an execution with 200 and the result', async () => {
    const answer = await app.post('/executions?wait=90', {
      workflow_code: 'export function add({ a, b }) { return { sum: a + b }; }',
      function_name: 'add',
      parameters: { a: 2, b: 2 },
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: 'succeeded', success: true, result: { sum: 4 }, attempt: 1 });
    const id = answer.body['execution_id'] as string;
    expect(answer.headers.get('location')).toBe(`/executions/${id}`);
    expect((await app.get(`/executions/${id}`)).body).toEqual(answer.body);
  });

  it('shows an execution that runs, and its failure once it has ended', async () => {
    const code = `export async function run({ url }) {
      await fetch(url);
      throw new TypeError('no');
    }`;
    const { status, body } = await app.post('/executions', {
      workflow_code: code,
      function_name: 'run',
      parameters: { url: gate.url },
    });
    expect(status).toBe(202);
    const path = `/executions/${body['execution_id'] as string}`;
    const shown = await until(
      async () => {
        const answer = await app.get(path);
        return answer.body['status'] === 'running' ? answer.body : null;
      },
      { what: 'the execution is shown as running' },
    );
    expect(shown).toEqual({
      execution_id: body['execution_id'],
      status: 'running',
      attempt: 1,
      worker_id: 'w1',
      started_at: expect.stringMatching(/Z$/),
    });
    gate.open();
    expect((await ended(path)).body).toMatchObject({
      status: 'failed',
      error: 'no',
      error_type: 'TypeError',
    });
  });

  it('does not start what was to start by a time that is over, and waits for the result of a task', async () => {
    await app.queue.add('task', { taskId: 'late', code: 'console.log(1)', expiresAt: 1 });
    expect((await app.get('/executions/late?wait=90')).body).toMatchObject({
      status: 'failed',
      failure: { code: 'EXPIRED' },
      stdout: '',
    });
    const { status, body } = await app.post('/tasks?wait=90', { code: 'console.log(3)', ttl: 600 });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: 'completed', result: { stdout: '3\n' } },
    });
    const known = await app.get(`/tasks/${body['id'] as string}?wait=5`);
    expect(known.body).toEqual(body);
  });

  it('runs a function of a workspace module', async () => {
    const source = 'export const greet = ({ name }: { name: string }): string => `Hello ${name}`;';
    const put = await app.ask('PUT', '/workspace', { files: { 'workflows/greet.ts': source } });
    expect(put.status).toBe(200);
    const { status, body } = await app.post('/executions?wait=90', {
      file_path: 'workflows/greet.ts',
      function_name: 'greet',
      parameters: { name: 'Ada' },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'succeeded', result: 'Hello Ada' });
  });

  it('runs an execution again, against the generation of before or the current one', async () => {
    const publish = (text: string) =>
      app.ask('PUT', '/workspace', { files: { 'again.ts': `export default () => '${text}';` } });
    await publish('old');
    const before = (
      await app.post('/executions?wait=90', { file_path: 'again.ts', secrets: { token: 'abc' } })
    ).body;
    const id = before['execution_id'] as string;
    expect(before['result']).toBe('old');
    await publish('new');
    expect(fieldsOf(await app.post(`/executions/${id}/again`, {}))).toEqual(['secrets.token']);
    for (const [workspace, result] of [
      ['same', 'old'],
      ['current', 'new'],
    ]) {
      const { status, body } = await app.post(`/executions/${id}/again`, {
        workspace,
        secrets: { token: 'abc' },
      });
      expect({ status, body }).toMatchObject({ status: 202, body: { status: 'queued', again_of: id } });
      const after = await app.get(`/executions/${body['execution_id'] as string}?wait=90`);
      expect(after.body).toMatchObject({ status: 'succeeded', result, again_of: id });
    }
  });

  it('runs a task again, and another time when its parameters are others', async () => {
    const { body: task } = await app.post('/tasks?wait=90', { code: 'console.log(5)' });
    const { body } = await app.post(`/executions/${task['id'] as string}/again`, {});
    const after = await app.get(`/executions/${body['execution_id'] as string}?wait=90`);
    expect(after.body).toMatchObject({ status: 'succeeded', stdout: '5\n', again_of: task['id'] });
    const code = {
      workflow_code: 'export default ({ n }) => n',
      function_name: 'default',
      parameters: { n: 1 },
    };
    const first = (await app.post('/executions?wait=90', code)).body['execution_id'] as string;
    const other = await app.post(`/executions/${first}/again`, { parameters: { n: 2 } });
    const last = await app.get(`/executions/${other.body['execution_id'] as string}?wait=90`);
    expect(last.body).toMatchObject({ result: 2, again_of: first });
  });

  it('runs a tick of a schedule again, with what the schedule has, and shows what it was asked to run', async () => {
    const execution = {
      workflow_code: 'export default ({ n }, { secrets }) => `${n} ${secrets.KEY.length}`',
      function_name: 'default',
      parameters: { n: 1 },
      secrets: { KEY: 'open-sesame' },
    };
    const tasks = { cron: '0 0 1 1 *', task: { code: 'console.log(6)' } };
    await app.ask('PUT', '/schedules/again', { cron: '0 0 1 1 *', execution });
    await app.ask('PUT', '/schedules/again-task', tasks);
    const tick = async (schedule: string): Promise<string> => {
      const { body } = await app.ask('POST', `/schedules/${schedule}/run`);
      const id = encodeURIComponent(body['execution_id'] as string);
      expect((await app.get(`/executions/${id}?wait=90`)).body).toMatchObject({ status: 'succeeded' });
      return id;
    };
    const id = await tick('again');
    expect((await app.get(`/executions/${id}/input`)).body).toMatchObject({
      parameters: { n: 1 },
      secrets: ['KEY'],
    });
    for (const [body, result] of [
      [{}, '1 11'],
      [{ parameters: { n: 2 }, secrets: { KEY: 'other' } }, '2 5'],
    ] as const) {
      const again = await app.post(`/executions/${id}/again`, body);
      const after = await app.get(`/executions/${again.body['execution_id'] as string}?wait=90`);
      expect(after.body).toMatchObject({ status: 'succeeded', result, again_of: decodeURIComponent(id) });
    }
    const task = await app.post(`/executions/${await tick('again-task')}/again`, {});
    const after = await app.get(`/executions/${task.body['execution_id'] as string}?wait=90`);
    expect(after.body).toMatchObject({ status: 'succeeded', stdout: '6\n' });
  });

  it('does not run again what holds a secret elsewhere, what is not there, and what has not ended', async () => {
    const code = { workflow_code: '"abc-secret"', secrets: { token: 'abc-secret' } };
    const held = (await app.post('/executions?wait=90', code)).body['execution_id'] as string;
    const secrets = { token: 'abc-secret' };
    expect(fieldsOf(await app.post(`/executions/${held}/again`, { secrets }))).toEqual(['workflow_code']);
    expect((await app.post('/executions/never/again', {})).status).toBe(404);
    const { body } = await app.post('/executions', { workflow_code: '1', delay: 600_000 });
    expect((await app.post(`/executions/${body['execution_id'] as string}/again`, {})).status).toBe(409);
    expect(fieldsOf(await app.post(`/executions/${held}/again`, { parameter: {} }))).toEqual(['parameter']);
  });

  it('lists the worker', async () => {
    const { body } = await app.get('/workers');
    expect(body).toEqual({ workers: [expect.objectContaining({ id: 'w1', state: 'ACTIVE' })] });
  });

  it('refuses the id of what has ended, and of what has a context, with 409', async () => {
    const execution_id = randomUUID();
    const body = { execution_id, workflow_code: '1' };
    expect((await app.post('/executions?wait=90', body)).status).toBe(200);
    const again = await app.post('/executions', body);
    expect(again.status).toBe(409);
    expect(fieldsOf(again)).toEqual(['execution_id']);
    expect(fieldsOf(await app.post('/tasks', { taskId: execution_id, code: '1' }))).toEqual(['taskId']);
  });
});

describe('in the role api alone', () => {
  let app: App;
  beforeAll(async () => {
    app = await App.open(redis, {
      ROLES: 'api',
      KEY_PREFIX: 'only:',
      MAX_TIMEOUT_SECONDS: '600',
      CODE_LIMIT_BYTES: '2048',
    });
  });

  it('queues, runs nothing, and is not listed as a worker', async () => {
    const { body } = await app.post('/tasks', { code: '1', taskId: '12:3', prompt: 'p', timeout: 5 });
    expect(body).toEqual({ id: '12:3', status: 'queued' });
    expect((await app.get('/tasks/12:3')).body).toEqual({ id: '12:3', status: 'queued' });
    expect((await app.get('/workers')).body).toEqual({ workers: [] });
    const [job] = await app.queue.getWaiting();
    expect(job?.data).toEqual({ taskId: '12:3', code: '1', prompt: 'p', timeout: 5 });
    expect((await app.get('/health/ready')).status).toBe(200);
  });

  it.each([
    ['no code', 'POST', '/tasks', {}, 400, ['code']],
    ['two wrong fields', 'POST', '/tasks', { code: 1, timeout: 'x' }, 400, ['code', 'timeout']],
    ['too long a time limit', 'POST', '/tasks', { code: '1', timeout: 600.5 }, 400, ['timeout']],
    ['code that is too long', 'POST', '/tasks', { code: 'x'.repeat(2049) }, 413, ['code']],
    ['JSON that is cut off', 'POST', '/tasks', '{"code": ', 400, ['body']],
    ['an empty body', 'POST', '/tasks', '', 400, ['body']],
    ['an array', 'POST', '/tasks', '[]', 400, ['body']],
    ['null', 'POST', '/tasks', 'null', 400, ['body']],
    ['more than any body may have', 'POST', '/tasks', `"${'x'.repeat(2_000_000)}"`, 413, ['body']],
    ['no body at all', 'POST', '/tasks', undefined, 400, ['body']],
    [
      'too long a time limit',
      'POST',
      '/executions',
      { workflow_code: '1', timeout_seconds: 601 },
      400,
      ['timeout_seconds'],
    ],
    [
      'a field of another program',
      'POST',
      '/executions',
      { workflow_code: '1', timeout: 5 },
      400,
      ['timeout'],
    ],
    ['a query of another program', 'POST', '/executions?wiat=5', { workflow_code: '1' }, 400, ['wiat']],
    ['a query of another program', 'GET', '/executions/a/logs?page=2', undefined, 400, ['page']],
    ['a field that is not known', 'PUT', '/packages', { content: '', version: 1 }, 400, ['version']],
    ['a field that is not known', 'PUT', '/workspace', { file: {}, files: {} }, 400, ['file']],
    ['a field that is not known', 'POST', '/workspace/rollback', { generation: 1, to: 1 }, 400, ['to']],
    ['a wait that is no number', 'POST', '/executions?wait=x', { workflow_code: '1' }, 400, ['wait']],
    ['too long a wait', 'GET', '/executions/a?wait=301', undefined, 400, ['wait']],
    ['a broken percent-encoding', 'GET', '/tasks/%zz', undefined, 400, ['url']],
    ['an id with a blank', 'GET', '/tasks/a%20b', undefined, 400, ['id']],
    ['an id that is too long', 'GET', `/tasks/${'a'.repeat(601)}`, undefined, 414, ['id']],
    ['an unknown task', 'GET', '/tasks/unknown', undefined, 404, []],
    ['an unknown execution', 'GET', '/executions/unknown?wait=1', undefined, 404, []],
    ['an unknown route', 'GET', '/nothing', undefined, 404, []],
    ['an unknown method', 'DELETE', '/tasks', undefined, 405, []],
  ])(
    'answers %s (%s) with a problem that names the fields',
    async (_what, method, path, body, status, fields) => {
      const answer = await app.ask(method, path, body);
      expect({ status: answer.status, type: answer.type, fields: fieldsOf(answer) }).toEqual({
        status,
        type: PROBLEM,
        fields,
      });
      expect(answer.body).toMatchObject({
        type: expect.stringMatching(/^urn:bifrost:problem:/),
        status,
        instance: path.split('?')[0],
        detail: expect.stringMatching(/./),
      });
    },
  );

  it('answers 413 to a client that still sends, and reads the rest', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const total = 3_000_000;
    const sending = httpRequest(`${app.url}/tasks`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json', 'content-length': total },
    });
    const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
    sending.write('x'.repeat(total / 2));
    const [{ statusCode, headers }] = await answered;
    expect({ statusCode, connection: headers.connection }).toEqual({
      statusCode: 413,
      connection: 'keep-alive',
    });
    sending.end('x'.repeat(total / 2));
    await once(sending, 'finish');
    agent.destroy();
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded'])('refuses a body of type %s', async (type) => {
    const answer = await app.ask('POST', '/tasks', 'code=1', { headers: { 'content-type': type } });
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 415, fields: ['body'] });
  });

  it('queues one of two different tasks that come with one id at once', async () => {
    const taskId = randomUUID();
    const answers = await Promise.all(['1', '2'].map((code) => app.post('/tasks', { taskId, code })));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    const winner = answers.findIndex(({ status }) => status === 202);
    expect((await app.queue.getJob(taskId))?.data).toEqual({ taskId, code: ['1', '2'][winner] });
  });

  it('queues one of two different executions that come with one id at once', async () => {
    const execution_id = randomUUID();
    const answers = await Promise.all(
      ['1', '2'].map((workflow_code) => app.post('/executions', { execution_id, workflow_code })),
    );
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([202, 409]);
    expect(fieldsOf(answers.find(({ status }) => status === 409) as Answer)).toEqual(['execution_id']);
    const winner = answers.findIndex(({ status }) => status === 202);
    const context = await client.get(new RedisKeys('only:').context(execution_id));
    expect(JSON.parse(context as string)).toEqual({ workflow_code: ['1', '2'][winner] });
  });

  it('answers a wait that is over with 202 and the state', async () => {
    const { status, body } = await app.post('/executions?wait=0.05', { workflow_code: '1' });
    expect({ status, state: body['status'] }).toEqual({ status: 202, state: 'queued' });
  });

  describe('a request that waits', () => {
    const keys = new RedisKeys('only:');
    afterEach(() => {
      jest.restoreAllMocks();
    });
    /** From now on no request looks on its own: each look is caused by an event, however slow this machine is. */
    const withoutRechecks = (): void => {
      const wait = Reflect.get(Bell.prototype, 'wait');
      jest.spyOn(Bell.prototype, 'wait').mockImplementation(function (this: Bell) {
        return wait.call(this, DAY_MS);
      });
    };
    /** Submits and waits for it; resolves when the waiter has looked once. */
    const startWaiting = async (init: RequestInit = {}) => {
      const looks = jest.spyOn(app.nest.get(ExecutionLookup), 'findResult');
      const { body } = await app.post('/executions', { workflow_code: '1' });
      const id = body['execution_id'] as string;
      const answer = app.get(`/executions/${id}?wait=300`, init);
      await until(() => looks.mock.calls.length > 0, { what: 'the request waits' });
      return { id, answer, looks };
    };
    const announce = (id: string) =>
      client.xadd(
        'only:bull:bifrost-executions:events',
        '*',
        'event',
        'completed',
        'jobId',
        id,
        'returnvalue',
        '{}',
      );

    it('looks at once when the queue reports an end', async () => {
      withoutRechecks();
      const { id, answer, looks } = await startWaiting();
      const before = looks.mock.calls.length;
      await announce(id);
      await until(() => looks.mock.calls.length > before, { what: 'an event was looked into' });
      await client.set(keys.result(id), JSON.stringify({ execution_id: id, status: 'succeeded' }));
      await announce(id);
      expect(await answer).toMatchObject({ status: 200, body: { execution_id: id, status: 'succeeded' } });
    });

    it('finds the result also when the event was lost', async () => {
      const { id, answer } = await startWaiting();
      await client.set(keys.result(id), JSON.stringify({ execution_id: id, status: 'failed' }));
      expect(await answer).toMatchObject({ status: 200, body: { execution_id: id, status: 'failed' } });
    });

    it('stops waiting when its client is gone', async () => {
      const waits = jest.spyOn(app.nest.get(ResultWaiter), 'wait');
      const leave = new AbortController();
      const { answer } = await startWaiting({ signal: leave.signal });
      const wait = waits.mock.results.at(-1)?.value;
      leave.abort();
      await expect(answer).rejects.toThrow(/abort/i);
      // Of 300 s that it had asked for.
      expect(await wait).toBeNull();
    });
  });
});

describe('with a token', () => {
  let app: App;
  beforeAll(async () => {
    app = await App.open(redis, { ROLES: 'api', KEY_PREFIX: 'token:', API_TOKEN: TOKEN });
  });
  const withToken = (authorization: string) => app.get('/workers', { headers: { authorization } });

  it('lets the token in', async () => {
    expect((await withToken(`Bearer ${TOKEN}`)).status).toBe(200);
  });

  it.each(['Bearer wrong', `Bearer ${TOKEN}${TOKEN}`, `Bearer ${TOKEN.slice(0, -1)}!`, `Basic ${TOKEN}`])(
    'refuses %s with 401',
    async (authorization) => {
      const { status, type, headers } = await withToken(authorization);
      expect({ status, type }).toEqual({ status: 401, type: PROBLEM });
      expect(headers.get('www-authenticate')).toMatch(/^Bearer /);
    },
  );

  it.each(['/tasks/a', '/openapi.json', '/nothing'])('guards %s', async (path) => {
    expect((await app.get(path)).status).toBe(401);
  });

  it('leaves the probes open', async () => {
    expect((await app.get('/health/live')).status).toBe(200);
  });
});

describe('without Redis', () => {
  const fragile = useRedis();

  it('says that nothing was accepted, and later accepts nothing of it', async () => {
    const app = await App.open(fragile, { ROLES: 'api' });
    process.kill(fragile.pid, 'SIGSTOP');
    try {
      for (const [path, body] of [
        ['/tasks', { code: '1', taskId: 'a' }],
        ['/executions', { workflow_code: '1', execution_id: 'b' }],
      ] as const) {
        const { status, headers, body: problem } = await app.post(path, body);
        expect({ status, detail: problem['detail'] }).toEqual({
          status: 503,
          detail: expect.stringContaining('Nothing was accepted'),
        });
        expect(headers.get('retry-after')).toBe('1');
      }
    } finally {
      process.kill(fragile.pid, 'SIGCONT');
    }
    expect(await app.queue.getJobCountByTypes('waiting')).toBe(0);
  });

  it('stops while the events of the queue cannot say goodbye', async () => {
    const app = await App.open(fragile, { ROLES: 'api' });
    expect((await app.post('/executions?wait=0.1', { workflow_code: '1' })).status).toBe(202);
    await fragile.stop();
    await app.close();
    await fragile.start();
  });
});
