import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext, aTask } from '../../support/builders.js';
import { EventSourceClient, type ReceivedEvent } from '../../support/servers/event-source.js';
import { type Gate, startGate } from '../../support/servers/gate.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const TOKEN = 'a-token-of-the-api-here';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let worker: WorkerProcess;
let client: RedisClient;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  worker = await startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '2', API_TOKEN: TOKEN, NETWORK: 'open' },
    args: ['--id', 'w1'],
  });
});

const headers = { authorization: `Bearer ${TOKEN}` };
const logsUrl = (id: string, query = ''): string =>
  `${worker.url}/executions/${encodeURIComponent(id)}/logs${query}`;
const follow = (id: string, more: Record<string, string> = {}): Promise<EventSourceClient> =>
  EventSourceClient.open(logsUrl(id), { ...headers, ...more });
const ask = async (id: string, query = '') => {
  const response = await fetch(logsUrl(id, query), { headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};

/** Code that prints `line 1` to `line 5`, the last three when the gate is open. */
const GATED = `
  export default async ({ gate }, context) => {
    for (let line = 1; line <= 5; line += 1) {
      if (line === 3) await fetch(gate);
      console.log('line ' + line);
      context.progress(line / 5, 'line ' + line);
    }
  };
`;
let gate: Gate;
beforeEach(async () => {
  gate = await startGate();
});
afterEach(() => gate.close());
const submitGated = (): Promise<string> =>
  producer.submitExecution(aContext({ workflow_code: GATED, parameters: { gate: gate.url } }));
const kinds = (events: readonly ReceivedEvent[]): string[] => events.map(({ event }) => event);

describe('the event stream of an execution', () => {
  it('has every line and progress in order, while it runs, and ends with it', async () => {
    const id = await submitGated();
    const source = await follow(id);
    await until(() => source.messages.length >= 2, { what: 'two lines came' });
    expect(await producer.storedResult(id)).toBeUndefined();
    const view = async (): Promise<unknown> =>
      await (await fetch(`${worker.url}/executions/${id}`, { headers })).json();
    await until(async () => ((await view()) as { progress?: unknown }).progress, {
      what: 'its progress is there',
    });
    expect(await view()).toMatchObject({
      status: 'running',
      progress: { fraction: expect.any(Number), message: expect.stringMatching(/^line /) },
    });
    gate.open();
    await source.ended;
    expect(source.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(source.messages).toEqual(['line 1', 'line 2', 'line 3', 'line 4', 'line 5']);
    expect(kinds(source.events).at(0)).toBe('start');
    expect(source.events.find(({ event }) => event === 'log')?.data).toMatchObject({
      ts: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'info',
      stream: 'stdout',
      attempt: 1,
    });
    expect(source.events.findLast(({ event }) => event === 'progress')?.data).toMatchObject({
      fraction: 1,
      message: 'line 5',
    });
    expect(source.events.at(-1)).toMatchObject({ event: 'end', data: { status: 'succeeded' } });
    expect(await producer.storedResult(id)).toMatchObject({ progress: { fraction: 1, message: 'line 5' } });
  });

  it('gives a client with Last-Event-ID exactly what it missed', async () => {
    const id = await submitGated();
    const first = await follow(id);
    await until(() => first.messages.length >= 2, { what: 'two lines came' });
    const seen = first.events.at(-1)?.id as string;
    first.close();
    const before = first.events.map((event) => event.id);
    const second = await follow(id, { 'last-event-id': seen });
    gate.open();
    await second.ended;
    const whole = await follow(id);
    await whole.ended;
    expect([...before, ...second.events.map((event) => event.id)]).toEqual(
      whole.events.map((event) => event.id),
    );
    expect(whole.messages).toHaveLength(5);
  });

  it('answers 204 to a client that has seen the end', async () => {
    const id = await producer.submitTask(aTask());
    const source = await follow(id);
    await source.ended;
    const again = await follow(id, { 'last-event-id': source.events.at(-1)?.id as string });
    expect(again.response.statusCode).toBe(204);
  });

  it('waits for an execution that is queued, and serves many at once', async () => {
    const running = await Promise.all(
      [1, 2].map(() =>
        producer.submitExecution(
          aContext({ workflow_code: 'export default () => new Promise((r) => setTimeout(r, 400))' }),
        ),
      ),
    );
    const id = await producer.submitExecution(
      aContext({ workflow_code: 'console.log("at last")', function_name: null }),
    );
    const sources = await Promise.all(Array.from({ length: 20 }, () => follow(id)));
    await Promise.all(sources.map(({ ended }) => ended));
    for (const { messages, events } of sources) {
      expect(messages).toEqual(['at last']);
      expect(kinds(events)).toEqual(['start', 'log', 'end']);
    }
    await Promise.all(running.map((other) => producer.executionResult(other)));
  });

  it('has levels, streams, fields and writes without line end', async () => {
    const id = await producer.submitExecution(
      aContext({
        workflow_code: `export default (_, context) => {
          console.warn('careful');
          process.stdout.write('no end');
          process.stderr.write('wrong\\n');
          context.logger.child({ step: 1 }).error('failed', { error: new TypeError('no'), big: 10n });
          context.logger.debug({ a: 1 });
        }`,
      }),
    );
    const source = await follow(id);
    await source.ended;
    const logs = source.events.filter(({ event }) => event === 'log').map(({ data }) => data);
    expect(logs).toMatchObject([
      { level: 'warn', stream: 'stderr', message: 'careful' },
      { level: 'info', stream: 'stdout', message: 'no end', partial: true },
      { level: 'error', stream: 'stderr', message: 'wrong' },
      {
        level: 'error',
        stream: 'stdout',
        message: 'failed',
        fields: { step: 1, big: '10', error: { name: 'TypeError', message: 'no' } },
      },
      { level: 'debug', message: '{ a: 1 }' },
    ]);
    expect(logs[0]).not.toHaveProperty('partial');
  });

  it('keeps the attempts of an execution apart', async () => {
    const context = aContext({
      workflow_code: `export default (_, { attempt }) => {
        console.log('attempt', attempt);
        if (attempt < 3) throw new Error('not yet');
      }`,
    });
    const id = await producer.submitExecution(context, randomUUID(), { attempts: 3 });
    const source = await follow(id);
    await source.ended;
    expect(source.events.map(({ event, data }) => `${event} ${data['attempt'] as number}`)).toEqual([
      'start 1',
      'log 1',
      'start 2',
      'log 2',
      'start 3',
      'log 3',
      'end 3',
    ]);
  });

  it('is known from the result when it has expired', async () => {
    const id = await producer.submitTask(aTask());
    // The end is written after the result: without it, it would come after the deletion.
    await (
      await follow(id)
    ).ended;
    await client.del(`bifrost:logs:${id}`);
    const source = await follow(id);
    await source.ended;
    expect(kinds(source.events)).toEqual(['log', 'end']);
    expect(source.events.map(({ id: cursor }) => cursor)).toEqual([undefined, undefined]);
    expect((await ask(id)).body).toMatchObject({
      entries: [{ type: 'log', message: '4' }, { type: 'end' }],
      ended: true,
    });
  });

  it('says so when the oldest entries are gone', async () => {
    const id = await producer.submitTask(aTask({ code: 'for (let n = 0; n < 500; n++) console.log(n)' }));
    await (
      await follow(id)
    ).ended;
    await client.xtrim(`bifrost:logs:${id}`, 'MAXLEN', 100);
    for (const lastId of [{}, { 'last-event-id': '1-1' }] as Record<string, string>[]) {
      const source = await follow(id, lastId);
      await source.ended;
      expect(kinds(source.events).slice(0, 2)).toEqual(['truncated', 'log']);
      expect(source.messages.at(-1)).toBe('499');
    }
  });

  it('is refused without the token, for an unknown id, and after what is no id', async () => {
    expect((await EventSourceClient.open(logsUrl('any'))).response.statusCode).toBe(401);
    const unknown = await follow(randomUUID());
    expect(unknown.response.statusCode).toBe(404);
    expect(unknown.response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((await follow('any', { 'last-event-id': 'x' })).response.statusCode).toBe(400);
  });
});

describe('the log as JSON', () => {
  it('comes in pages', async () => {
    const id = await producer.submitTask(aTask({ code: 'for (let n = 0; n < 25; n++) console.log(n)' }));
    await (
      await follow(id)
    ).ended;
    const messages: unknown[] = [];
    let after = '';
    for (let page = 1; ; page += 1) {
      const { status, body } = await ask(id, `?limit=10${after && `&after=${after}`}`);
      expect(status).toBe(200);
      const entries = body['entries'] as Record<string, unknown>[];
      messages.push(...entries.filter(({ type }) => type === 'log').map(({ message }) => message));
      after = body['next'] as string;
      expect(body['ended']).toBe(page === 3);
      if (body['ended']) break;
    }
    expect(messages).toEqual(Array.from({ length: 25 }, (_, n) => String(n)));
    expect((await ask(id, `?after=${after}`)).body).toMatchObject({ entries: [], next: after, ended: true });
  });

  it.each([
    ['?after=x', 'after'],
    ['?limit=0', 'limit'],
    ['?limit=many', 'limit'],
  ])('refuses %s and names the field', async (query, field) => {
    expect(await ask('any', query)).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  it('is 404 for an unknown id', async () => {
    expect((await ask(randomUUID())).status).toBe(404);
  });
});

describe('a client that goes away', () => {
  it('leaves nothing in Redis', async () => {
    const subscriptions = async (): Promise<number> =>
      ((await client.pubsub('CHANNELS', 'bifrost:logs:*')) as string[]).length;
    const id = await producer.submitExecution(
      aContext({
        workflow_code: 'export default () => new Promise((r) => setTimeout(r, 600_000))',
        timeout_seconds: 900,
      }),
    );
    const sources = await Promise.all(Array.from({ length: 10 }, () => follow(id)));
    await until(async () => (await subscriptions()) === 1, { what: 'the log is listened to, once' });
    for (const source of sources) source.close();
    await until(async () => (await subscriptions()) === 0, { what: 'no subscription is left' });
    await fetch(`${worker.url}/executions/${id}`, { method: 'DELETE', headers });
  });
});

it('ends the streams when it is shut down, so that clients go elsewhere', async () => {
  const other = await startWorker({
    env: { REDIS_URL: redis.url, ROLES: 'api', API_TOKEN: TOKEN },
    args: ['--id', 'api'],
  });
  const id = await producer.submitExecution(
    aContext({
      workflow_code:
        'export default () => { console.log("up"); return new Promise((r) => setTimeout(r, 600_000)) }',
      timeout_seconds: 900,
    }),
  );
  const source = await EventSourceClient.open(`${other.url}/executions/${id}/logs`, headers);
  await until(() => source.messages.length === 1, { what: 'its line came' });
  expect(await other.stop()).toMatchObject({ code: 0 });
  await source.ended;
  expect(kinds(source.events)).toEqual(['start', 'log']);
  await fetch(`${worker.url}/executions/${id}`, { method: 'DELETE', headers });
});
