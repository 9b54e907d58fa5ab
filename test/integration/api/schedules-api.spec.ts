import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Queue } from 'bullmq';
import { tickExecutionId, tickOf } from '../../../src/contract/jobs/schedule.js';
import type { Schedule, Schedules } from '../../../src/contract/api/schedules.js';
import { parseJob } from '../../../src/queue/parse-job.js';
import { WORK_QUEUE } from '../../../src/queue/queue-tokens.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { WEBHOOK_QUEUE } from '../../../src/results/webhooks/webhook-queue.js';
import { type Application, openApplication } from '../../support/application.js';
import { useRedis } from '../../support/servers/test-redis.js';

const redis = useRedis();
const KEY_PREFIX = 'schedules:';
const keys = new RedisKeys(KEY_PREFIX);
const HOUR_MS = 3_600_000;
const SCRIPT = { workflow_code: '1' };

let api: Application;
let queue: Queue;
let webhooks: Queue;
let client: RedisClient;

interface Answer<T = Schedule> {
  status: number;
  body: T & { detail?: string; errors?: { field: string; message: string }[] };
}

async function ask<T = Schedule>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const response = await fetch(`${api.url}/schedules${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Answer<T>['body'] };
}
const put = (id: string, body: unknown): Promise<Answer> => ask('PUT', `/${id}`, body);
const fieldsOf = ({ body }: Answer): string[] => (body.errors ?? []).map(({ field }) => field);
const delayedOf = async (id: string) =>
  (await queue.getDelayed()).filter(({ repeatJobKey }) => repeatJobKey === id);

beforeAll(async () => {
  api = await openApplication(redis, {
    ROLES: 'api',
    KEY_PREFIX,
    MAX_TIMEOUT_SECONDS: '600',
    WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32, 1).toString('base64')}`,
  });
  queue = api.nest.get<Queue>(WORK_QUEUE);
  webhooks = api.nest.get<Queue>(WEBHOOK_QUEUE, { strict: false });
  client = redis.connect();
});

describe('PUT /schedules/:id', () => {
  it('has BullMQ make ticks that share a context, and answers with the next ten times', async () => {
    const { status, body } = await put('nightly', {
      cron: '0 2 * * *',
      tz: 'Europe/Berlin',
      overlap: 'queue',
      missed: 'all',
      execution: { ...SCRIPT, secrets: { KEY: 'sesame-street' }, attempts: 3, backoff: 10, ttl: 60 },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: 'nightly',
      state: 'active',
      source: 'api',
      cron: '0 2 * * *',
      tz: 'Europe/Berlin',
      overlap: 'queue',
      missed: 'all',
      kind: 'execution',
      execution: { ...SCRIPT, secrets: { KEY: '[redacted]' }, attempts: 3, ttl: 60 },
    });
    expect(body.next).toHaveLength(10);
    const [job] = await delayedOf('nightly');
    const request = parseJob(job!);
    expect(request).toMatchObject({
      executionId: `nightly@${body.next[0]}`,
      policy: { overlap: 'queue', missed: 'all' },
      expiresAtMs: Date.parse(body.next[0] as string) + 60_000,
    });
    expect(job?.opts).toMatchObject({ attempts: 3, backoff: { type: 'fixed', delay: 10 } });
    const contextId = 'contextId' in request ? request.contextId : '';
    expect(await client.ttl(keys.context(contextId))).toBe(-1);
    expect(await ask('GET', '/nightly')).toEqual({ status: 200, body });
  });

  it('leaves the times as they are where only what runs is another, and drops the former context later', async () => {
    const first = await put('changed', { every: HOUR_MS, execution: SCRIPT });
    const [before] = await delayedOf('changed');
    const second = await put('changed', { every: HOUR_MS, execution: { workflow_code: '2' } });
    const [after, ...others] = await delayedOf('changed');
    expect(others).toEqual([]);
    expect(second.body).toMatchObject({ next: first.body.next, created_at: first.body.created_at });
    const idOf = (data: unknown): string => (data as { execution_id: string }).execution_id;
    expect(idOf(after?.data)).not.toBe(idOf(before?.data));
    expect(await client.ttl(keys.context(idOf(before?.data)))).toBeGreaterThan(0);
    expect(await client.ttl(keys.context(idOf(after?.data)))).toBe(-1);
  });

  it('counts `every` from the start, and from when it was set where there is none', async () => {
    const start = new Date(Date.now() - 10 * HOUR_MS - 1_000).toISOString();
    const { body } = await put('since', { every: HOUR_MS, start, task: { code: '1' } });
    expect(body.next.slice(0, 2)).toEqual(
      [11, 12].map((n) => new Date(Date.parse(start) + n * HOUR_MS).toISOString()),
    );
    const later = new Date(Date.now() + 5 * HOUR_MS).toISOString();
    expect((await put('later', { every: HOUR_MS, start: later, task: { code: '1' } })).body.next[0]).toBe(
      later,
    );
    const now = Date.now();
    const own = await put('own', { every: HOUR_MS, task: { code: '1' } });
    expect(Math.abs(Date.parse(own.body.next[0] as string) - now - HOUR_MS)).toBeLessThan(60_000);
  });

  it('takes a start that is itself a tick, and ends with the end', async () => {
    const start = new Date(Math.ceil(Date.now() / HOUR_MS + 2) * HOUR_MS);
    const end = new Date(start.getTime() + 2 * HOUR_MS);
    const { body } = await put('bounded', { cron: '0 * * * *', start, end, task: { code: '1' } });
    expect(body).toMatchObject({ tz: 'UTC', start: start.toISOString(), end: end.toISOString() });
    expect(body.next).toEqual([0, 1, 2].map((n) => new Date(start.getTime() + n * HOUR_MS).toISOString()));
    expect(body.task).toEqual({ code: '1' });
  });

  it.each([
    [['cron'], { execution: SCRIPT }],
    [['cron'], { cron: '* * * * *', every: 1_000, execution: SCRIPT }],
    [['cron'], { cron: '61 * * * *', execution: SCRIPT }],
    [['cron'], { cron: '* *', execution: SCRIPT }],
    // H would be another minute at each look.
    [['cron'], { cron: 'H * * * *', execution: SCRIPT }],
    [['cron'], { cron: '0 H(2-5) * * THU', execution: SCRIPT }],
    [['start'], { every: 60_000, start: '2026-02-30T00:00:00Z', execution: SCRIPT }],
    [['cron'], { cron: '', execution: SCRIPT }],
    [['tz'], { cron: '* * * * *', tz: 'Mars/Olympus', execution: SCRIPT }],
    [['tz'], { every: 1_000, tz: 'UTC', execution: SCRIPT }],
    [['every'], { every: 5, execution: SCRIPT }],
    [['start'], { every: 1_000, start: 'tomorrow', execution: SCRIPT }],
    [
      ['start'],
      { every: 1_000, start: '2098-01-02T00:00:00Z', end: '2098-01-01T00:00:00Z', execution: SCRIPT },
    ],
    [['end'], { every: 1_000, end: '2026-01-01T00:00:00Z', execution: SCRIPT }],
    [['end'], { every: 5_000, end: new Date(Date.now() + 4_000).toISOString(), execution: SCRIPT }],
    [['end'], { cron: '0 0 1 1 *', end: new Date(Date.now() + 1_000).toISOString(), execution: SCRIPT }],
    [['overlap'], { every: 1_000, overlap: 'never', execution: SCRIPT }],
    [['missed'], { every: 1_000, missed: 'some', execution: SCRIPT }],
    [['execution'], { every: 1_000 }],
    [['execution'], { every: 1_000, execution: SCRIPT, task: { code: '1' } }],
    [['execution.timeout'], { every: 1_000, execution: { ...SCRIPT, timeout: 1 } }],
    [['execution.delay'], { every: 1_000, execution: { ...SCRIPT, delay: 1 } }],
    [['execution.timeout_seconds'], { every: 1_000, execution: { ...SCRIPT, timeout_seconds: 601 } }],
    [['execution.secrets.A'], { every: 1_000, execution: { ...SCRIPT, secrets: { A: '[redacted]' } } }],
    [['execution.workflow_code'], { every: 1_000, execution: {} }],
    [['webhook'], { every: 1_000, execution: SCRIPT, webhook: { url: 'https://example.com' } }],
    [
      ['webhook.url'],
      { every: 1_000, end: '2098-01-01T00:00:00Z', execution: SCRIPT, webhook: { url: 'x' } },
    ],
    [['timezone'], { cron: '* * * * *', timezone: 'UTC', execution: SCRIPT }],
  ])('refuses a wrong %j by name', async (fields, body) => {
    const answer = await put('wrong', body);
    expect({ status: answer.status, fields: fieldsOf(answer) }).toEqual({ status: 400, fields });
    expect((await ask('GET', '/wrong')).status).toBe(404);
  });

  it('refuses an id that BullMQ could take for something else', async () => {
    expect(fieldsOf(await put('a:b', { every: 1_000, execution: SCRIPT }))).toEqual(['id']);
  });
});

describe('a schedule', () => {
  it('that is paused makes no tick until it is resumed, and keeps to its times', async () => {
    const start = new Date(Date.now() - HOUR_MS / 2).toISOString();
    const { body: set } = await put('resting', { every: HOUR_MS, start, execution: SCRIPT });
    expect(await ask('POST', '/resting/pause')).toMatchObject({
      status: 200,
      body: { state: 'paused', next: [] },
    });
    expect(await delayedOf('resting')).toEqual([]);
    // Another content leaves it paused.
    expect(
      (await put('resting', { every: HOUR_MS, start, execution: { workflow_code: '2' } })).body.state,
    ).toBe('paused');
    const { body } = await ask('POST', '/resting/resume');
    expect(body).toMatchObject({ state: 'active', next: set.next });
    expect(await delayedOf('resting')).toHaveLength(1);
  });

  it('that has ended cannot be resumed', async () => {
    const end = new Date(Date.now() + HOUR_MS).toISOString();
    await put('over', { every: HOUR_MS / 4, end, execution: SCRIPT, paused: true });
    const kept = JSON.parse((await client.hget(keys.schedules(), 'over')) as string) as {
      rule: { end: string };
    };
    kept.rule.end = new Date(Date.now() - 1).toISOString();
    await client.hset(keys.schedules(), 'over', JSON.stringify(kept));
    expect((await ask('POST', '/over/resume')).status).toBe(409);
    expect((await ask('GET', '/over')).body.state).toBe('paused');
  });

  it('that has an end leaves a message for then, anew with each change, until it is removed', async () => {
    const set = (minutes: number, webhook: object | null): Promise<Answer> =>
      put('reported', {
        every: 60_000,
        end: new Date(Date.now() + minutes * 60_000).toISOString(),
        execution: SCRIPT,
        webhook,
      });
    const messages = async (): Promise<{ to: object; due: number }[]> => {
      const all = await webhooks.getDelayed();
      return all.map(({ data, delay }) => ({
        to: (data as { to: object }).to,
        due: Math.round(delay / 60_000),
      }));
    };
    const { body } = await set(10, { url: 'https://example.com/a' });
    expect(body.webhook).toEqual({ url: 'https://example.com/a' });
    expect(await messages()).toEqual([{ to: { url: 'https://example.com/a' }, due: 10 }]);
    await set(20, { url: 'https://example.com/b' });
    expect(await messages()).toEqual([{ to: { url: 'https://example.com/b' }, due: 20 }]);
    await set(30, null);
    expect(await messages()).toEqual([]);
    await set(30, { url: 'https://example.com/c' });
    await ask('DELETE', '/reported');
    expect(await messages()).toEqual([]);
  });

  it('that runs now has one more tick, of the same content and policy', async () => {
    await put('extra', { cron: '0 0 1 1 *', overlap: 'skip', execution: { ...SCRIPT, priority: 5 } });
    const { status, body } = await ask<{ execution_id: string }>('POST', '/extra/run');
    expect(status).toBe(202);
    const [job] = (await queue.getPrioritized()).filter((one) => tickOf(one)?.schedule === 'extra');
    expect(parseJob(job!)).toMatchObject({ executionId: body.execution_id, policy: { overlap: 'skip' } });
    expect(tickExecutionId(tickOf(job!)!)).toBe(body.execution_id);
    const view = await fetch(`${api.url}/executions/${encodeURIComponent(body.execution_id)}`);
    expect(await view.json()).toMatchObject({ status: 'queued' });
    const list = await fetch(`${api.url}/executions?schedule=extra&status=queued`);
    expect(await list.json()).toMatchObject({
      executions: [{ execution_id: body.execution_id, schedule: 'extra' }],
    });
  });

  it('that is removed is gone, and its context soon', async () => {
    await put('gone', { every: HOUR_MS, execution: SCRIPT });
    const [job] = await delayedOf('gone');
    expect(await ask('DELETE', '/gone')).toEqual({ status: 200, body: { id: 'gone', removed: true } });
    expect(await delayedOf('gone')).toEqual([]);
    const { execution_id: contextId } = job!.data as { execution_id: string };
    expect(await client.ttl(keys.context(contextId))).toBeGreaterThan(0);
    for (const [method, path] of [
      ['GET', '/gone'],
      ['DELETE', '/gone'],
      ['POST', '/gone/pause'],
      ['POST', '/gone/resume'],
      ['POST', '/gone/run'],
    ] as const)
      expect((await ask(method, path)).status).toBe(404);
  });

  it('of a producer with a limit keeps its only tick over a pause', async () => {
    const once = { pattern: '0 5 1 1 *', limit: 1 };
    await queue.upsertJobScheduler('once', once, { name: 'task', data: { code: '1' } });
    const isToCome = { state: 'active', ticks: 0, limit: 1, next: [expect.any(String)] };
    expect((await ask('GET', '/once')).body).toMatchObject(isToCome);
    expect((await ask('POST', '/once/pause')).body).toMatchObject({ state: 'paused', limit: 1 });
    expect((await ask('POST', '/once/resume')).body).toMatchObject(isToCome);
    expect((await ask('DELETE', '/once')).status).toBe(200);
  });

  it('of a producer of its own is listed, paused, resumed and removed like the others', async () => {
    const repeat = { pattern: '0 5 * * *', tz: 'Asia/Tokyo', limit: 4 };
    await queue.upsertJobScheduler('theirs: 1', repeat, { name: 'task', data: { code: 'console.log(1)' } });
    const path = `/${encodeURIComponent('theirs: 1')}`;
    const { body } = await ask('GET', path);
    expect(body).toMatchObject({
      source: 'queue',
      state: 'active',
      cron: '0 5 * * *',
      tz: 'Asia/Tokyo',
      limit: 4,
      overlap: 'allow',
      missed: 'one',
      kind: 'task',
      task: { code: 'console.log(1)' },
      created_at: null,
      // The one that BullMQ has prepared is still to come, and none comes beyond the limit.
      ticks: 0,
    });
    expect(body.next).toHaveLength(4);
    const found = (await ask<Schedules>('GET', '')).body.schedules.find(({ id }) => id === 'theirs: 1');
    expect(found).toMatchObject({ source: 'queue', next: body.next[0] });
    expect((await ask('POST', `${path}/pause`)).body).toMatchObject({ state: 'paused', source: 'queue' });
    expect(await queue.getJobScheduler('theirs: 1')).toBeUndefined();
    expect((await ask('POST', `${path}/resume`)).body).toMatchObject({ state: 'active', next: body.next });
    expect((await ask<{ execution_id: string }>('POST', `${path}/run`)).status).toBe(202);
    expect((await ask('DELETE', path)).status).toBe(200);
    expect((await ask('GET', path)).status).toBe(404);
  });
});

describe('GET /schedules', () => {
  it('turns pages by id', async () => {
    for (const id of ['page-1', 'page-2', 'page-3']) await put(id, { every: HOUR_MS, execution: SCRIPT });
    const all: string[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const { body }: Answer<Schedules> = await ask<Schedules>('GET', `?limit=2${query}`);
      all.push(...body.schedules.map(({ id }) => id));
      cursor = body.next_cursor;
    } while (cursor !== null);
    expect(all).toEqual(all.toSorted());
    expect(new Set(all).size).toBe(all.length);
    expect(all).toEqual(expect.arrayContaining(['page-1', 'page-2', 'page-3', 'resting']));
  });
});
