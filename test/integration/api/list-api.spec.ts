import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { BulkAgainView } from '../../../src/api/again/again-requests.js';
import { ChangeFeed } from '../../../src/api/list/change-feed.js';
import { ArchiveWriter } from '../../../src/archive/write/archive-writer.js';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ListedExecution, Listing } from '../../../src/contract/api/listing.js';
import { WORK_QUEUE } from '../../../src/queue/queue-tokens.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { type Application, openApplication } from '../../support/application.js';
import { aResult, emptyArchive, useArchives } from '../../support/archive-parts.js';
import { usePostgres } from '../../support/servers/test-postgres.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';

Logger.overrideLogger(false);
const postgres = usePostgres();
const redis = useRedis();
const openArchive = useArchives();

const KEY_PREFIX = 'list:';
const keys = new RedisKeys(KEY_PREFIX);
const MANY = 20_000;
const AT_ONCE = 10_000;

/** Jobs of a producer, written as BullMQ has them; adding them one by one would take minutes. */
const FILL = `
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('HSET', 'list:bull:bifrost-executions:p-' .. n, 'name', 'execute', 'timestamp', ARGV[3] + n,
    'data', '{"execution_id":"e-' .. n .. '"}', 'opts', '{}')
  redis.call('LPUSH', 'list:bull:bifrost-executions:wait', 'p-' .. n)
end
`;

let api: Application;
let client: RedisClient;
let queue: Queue;

interface Answer {
  status: number;
  body: Listing & { detail?: string; errors?: { field: string; message: string }[] };
}

const list = async (query: Record<string, string> = {}): Promise<Answer> => {
  const response = await fetch(`${api.url}/executions?${new URLSearchParams(query).toString()}`);
  return { status: response.status, body: (await response.json()) as Answer['body'] };
};
const idsOf = ({ body }: Answer): string[] => body.executions.map(({ execution_id: id }) => id);
const waitingOf = (execution: ListedExecution | undefined) =>
  execution && 'waiting' in execution ? execution.waiting : undefined;

/** Every page from the first to the last. */
async function listAll(query: Record<string, string>): Promise<ListedExecution[]> {
  const all: ListedExecution[] = [];
  let cursor: string | null = null;
  do {
    const { status, body }: Answer = await list({ ...query, ...(cursor ? { cursor } : {}) });
    expect(status).toBe(200);
    all.push(...body.executions);
    cursor = body.next_cursor;
  } while (cursor);
  return all;
}

const store = (id: string, context: ExecutionContext): Promise<unknown> =>
  client.set(keys.context(id), JSON.stringify(context));

beforeAll(async () => {
  const settings = await emptyArchive('Postgres', postgres, { KEY_PREFIX });
  const results = Array.from({ length: 30 }, (_, n) =>
    aResult(`ended-${String(n).padStart(2, '0')}`, {
      workflow_id: n % 2 === 0 ? 'wf-even' : 'wf-odd',
      tags: n === 7 ? ['Invoice'] : [],
      finished_at: new Date(Date.UTC(2026, 4, 10, 0, n)).toISOString(),
    }),
  );
  await new ArchiveWriter(openArchive(settings)).write(
    results.map((result) => ({ executionId: result.execution_id, text: JSON.stringify(result) })),
  );
  client = redis.connect();
  api = await openApplication(redis, {
    ROLES: 'api',
    KEY_PREFIX,
    SEARCH_PARAMETERS: 'true',
    DATABASE_URL: settings.DATABASE_URL as string,
  });
  queue = api.nest.get<Queue>(WORK_QUEUE);
  for (let from = 1; from <= MANY; from += AT_ONCE)
    await client.eval(FILL, 0, from, from + AT_ONCE - 1, Date.UTC(2026, 4, 11));
  const context = { workflow_code: '1', workflow_id: 'wf-odd', organization: { id: 'org-1' }, tags: ['Red'] };
  await store('first', { ...context, caller: { user_id: 'u-1', email: 'u1@example.org' } });
  await queue.add('execute', { execution_id: 'first' }, { priority: 1 });
  await queue.add('execute', { execution_id: 'second' }, { priority: 2 });
  await queue.add('execute', { execution_id: 'later' }, { delay: 3_600_000 });
  await queue.add('task', { taskId: 'a-large-task', code: 'x'.repeat(200_000) }, { delay: 7_200_000 });
  for (const n of [1, 2]) {
    await queue.add('execute', { execution_id: `running-${n}` }, { jobId: `other-${n}`, lifo: true });
    await client.lrem(queue.toKey('wait'), 1, `other-${n}`);
    await client.lpush(queue.toKey('active'), `other-${n}`);
    const parameters = { customer: `ACME-${n}`, key: 'hunter2-hunter2' };
    const secrets = { KEY: 'hunter2-hunter2' };
    await store(`running-${n}`, { ...context, workflow_id: `wf-${n}`, parameters, secrets });
    await client.hset(keys.ledger(`running-${n}`), {
      attempt: n,
      owner: 'w#1',
      worker: `w-${n}`,
      started_at: '2026-05-11T00:00:00.000Z',
      progress: '{"fraction":0.5,"message":"half"}',
    });
  }
});

describe('the list of executions', () => {
  it('begins with what runs and goes on with what waits, the newest first, with the reason', async () => {
    const { body } = await list({ limit: '4' });
    expect(body.history_away).toBeNull();
    const [running, , newest, older] = body.executions;
    expect(running).toEqual({
      execution_id: 'running-2',
      status: 'running',
      schedule: null,
      workflow_id: 'wf-2',
      organization_id: 'org-1',
      caller_id: null,
      caller_email: null,
      tags: ['Red'],
      again_of: null,
      queued_at: expect.stringMatching(/Z$/),
      worker_id: 'w-2',
      attempt: 2,
      started_at: '2026-05-11T00:00:00.000Z',
      progress: { fraction: 0.5, message: 'half' },
    });
    expect([newest?.execution_id, older?.execution_id]).toEqual([`e-${MANY}`, `e-${MANY - 1}`]);
    expect(waitingOf(newest)).toMatchObject({ reason: 'no live worker', position: MANY });
    expect(waitingOf(older)).toMatchObject({ position: MANY - 1, running: 2 });
  });

  it('says the position of those with a priority, and until when others are delayed', async () => {
    const found = await listAll({ status: 'queued', text: 'first' });
    expect(waitingOf(found[0])).toMatchObject({ position: MANY + 1, queued: MANY + 2 });
    const delayed = await list({ status: 'delayed' });
    expect(idsOf(delayed)).toEqual(['a-large-task', 'later']);
    const view = await fetch(`${api.url}/executions/later`);
    expect(await view.json()).toMatchObject({ status: 'delayed', waiting: { reason: 'scheduled delay' } });
    expect(waitingOf(delayed.body.executions[1])).toMatchObject({
      reason: 'scheduled delay',
      position: null,
      until: expect.stringMatching(/Z$/),
    });
  });

  it('goes on after what was there when the page before was read, whatever comes and goes', async () => {
    const first = await list({ status: 'queued', limit: '100' });
    await queue.add('execute', { execution_id: 'newer' });
    // The last of the page is cancelled meanwhile.
    await client.lrem(queue.toKey('wait'), 1, `p-${MANY - 99}`);
    const second = await list({ status: 'queued', limit: '3', cursor: first.body.next_cursor as string });
    // One that came moves the others back by one; one that goes moves them forward.
    expect(idsOf(second)).toEqual([`e-${MANY - 100}`, `e-${MANY - 101}`, `e-${MANY - 102}`]);
  });

  it.each<[string, Record<string, string>, string[]]>([
    ['status', { status: 'running' }, ['running-2', 'running-1']],
    ['several statuses', { status: 'running,delayed' }, ['running-2', 'running-1', 'a-large-task', 'later']],
    ['worker', { worker: 'w-1' }, ['running-1']],
    ['workflow', { workflow: 'wf-2' }, ['running-2']],
    ['tag', { status: 'running', tag: 'Red' }, ['running-2', 'running-1']],
    ['text of a tag', { status: 'running', text: 'rED' }, ['running-2', 'running-1']],
    ['text of a tag of one that has ended', { status: 'succeeded', text: 'invoice' }, ['ended-07']],
    ['text of an id', { status: 'delayed', text: 'LARGE' }, ['a-large-task']],
    ['text of a parameter', { status: 'running', text: 'customer":"acme-2' }, ['running-2']],
    ['no text of a secret', { status: 'running', text: 'hunter2' }, []],
    ['nothing that is there', { status: 'running', organization: 'none' }, []],
    ['what only those have that ended', { until: '2026-05-10T00:02' }, ['ended-01', 'ended-00']],
  ])('is narrowed by %s', async (_name, query, expected) => {
    expect((await listAll(query)).map(({ execution_id: id }) => id)).toEqual(expected);
  });

  it('shows of a narrow filter what has ended at once, while it looks through the queue page by page', async () => {
    const { body } = await list({ workflow: 'wf-odd' });
    expect(body.executions).toHaveLength(15);
    expect(body.executions[0]).toMatchObject({ status: 'succeeded', execution_id: 'ended-29' });
    expect(body.next_cursor).not.toBeNull();
  });

  it('has each of them once', async () => {
    await client.ltrim(queue.toKey('wait'), 0, 1_199);
    const all = await listAll({ limit: '500' });
    const ids = all.map(({ execution_id: id }) => id);
    expect(ids).toHaveLength(2 + 1_200 + 2 + 2 + 30);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.slice(-34)).toEqual([
      'second',
      'first',
      'a-large-task',
      'later',
      ...Array.from({ length: 30 }, (_, n) => `ended-${String(29 - n).padStart(2, '0')}`),
    ]);
  });

  it.each([
    ['status', { status: 'stored' }],
    ['cursor', { cursor: 'WzEsMl0' }],
    ['cursor', { cursor: Buffer.from('[[9,"a","1"],[]]').toString('base64url') }],
    ['cursor', { cursor: Buffer.from('[[1,"a","-inf"],[]]').toString('base64url') }],
    ['worker_id', { worker_id: 'w' }],
  ])('refuses a bad %s by name', async (field, query) => {
    const { status, body } = await list(query);
    expect({ status, fields: body.errors?.map((error) => error.field) }).toEqual({
      status: 400,
      fields: [field],
    });
  });
});

describe('running what a filter finds again', () => {
  const post = async (body: unknown) => {
    const response = await fetch(`${api.url}/executions/again`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as BulkAgainView };
  };
  const filter = { workflow: 'wf-even' };

  it('only says which they are, if that is asked for, a page at a time', async () => {
    const first = await post({ filter, dry_run: true, limit: 10 });
    expect(first.body.executions).toHaveLength(10);
    expect(first.body.executions[0]).toEqual({ status: 'found', again_of: 'ended-28' });
    const rest = await post({ filter, dry_run: true, limit: 10, cursor: first.body.next_cursor });
    expect(rest.body.executions.map(({ again_of: id }) => id)).toEqual(
      ['08', '06', '04', '02', '00'].map((n) => `ended-${n}`),
    );
    expect(rest.body.next_cursor).toBeNull();
  });

  it('queues each whose context is still there, under a new id that names it', async () => {
    await store('ended-02', { workflow_code: '1', workflow_id: 'wf-even' });
    const { status, body } = await post({ filter, dry_run: false, workspace: 'current' });
    expect(status).toBe(202);
    const queued = body.executions.flatMap((entry) => (entry.status === 'queued' ? [entry] : []));
    expect(queued).toEqual([{ status: 'queued', again_of: 'ended-02', execution_id: expect.any(String) }]);
    expect(body.executions.filter((entry) => entry.status === 'refused')).toHaveLength(14);
    const [open] = (await list({ again_of: 'ended-02' })).body.executions;
    expect(open).toMatchObject({
      status: 'queued',
      execution_id: queued[0]?.execution_id,
      again_of: 'ended-02',
    });
  });

  it.each([
    ['filter', { filter: {}, dry_run: true }],
    ['filter.wokflow', { filter: { wokflow: 'x' }, dry_run: true }],
    ['dry_run', { filter }],
  ])('refuses a wrong %s by name', async (field, body) => {
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });
});

describe('without a history', () => {
  it('lists what has not ended, and says why the rest is missing', async () => {
    const { url } = await openApplication(redis, {
      ROLES: 'api',
      KEY_PREFIX,
      ARCHIVE_DIR: '/tmp/bifrost-none',
    });
    const body = (await (await fetch(`${url}/executions?limit=2`)).json()) as Listing;
    expect(body.executions.map(({ status }) => status)).toEqual(['running', 'running']);
    const rest = (await (await fetch(`${url}/executions?status=delayed,failed`)).json()) as Listing;
    expect(rest).toMatchObject({ next_cursor: null, history_away: expect.stringContaining('DATABASE_URL') });
    expect((await fetch(`${url}/executions?status=failed`)).status).toBe(503);
  });
});

describe('the events of executions', () => {
  const events: EventSourceMessage[] = [];

  /** Reads a stream of events until `last` is among them. */
  async function read(
    path: string,
    headers: Record<string, string>,
    last: (event: EventSourceMessage) => boolean,
  ) {
    const leave = new AbortController();
    const response = await fetch(`${api.url}${path}`, { headers, signal: leave.signal });
    const found: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (event) => found.push(event) });
    const text = new TextDecoder();
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      parser.feed(text.decode(chunk, { stream: true }));
      if (found.some(last)) break;
    }
    leave.abort();
    return found;
  }
  const of = (id: string, found: readonly EventSourceMessage[]): string[] =>
    found.filter(({ data }) => data.includes(`"${id}"`)).map(({ event }) => event as string);

  it('are what happens to each, under the id of the execution', async () => {
    const reading = read('/executions/events', {}, ({ data }) => data.includes('timed_out'));
    await until(() => api.nest.get(ChangeFeed).isReading, { what: 'the stream is open' });
    await queue.add('execute', { execution_id: 'comes' }, { delay: 60_000, jobId: 'named-otherwise' });
    await queue.add('execute', { execution_id: 'goes' }, { jobId: 'also-otherwise' });
    await fetch(`${api.url}/executions/goes?reason=x`, { method: 'DELETE' });
    const job = await queue.getJob('named-otherwise');
    await job?.updateProgress({ fraction: 0.25, message: null });
    await job?.promote();
    await client.set(keys.result('goes'), JSON.stringify(aResult('goes', { status: 'timed_out' })));
    await client.xadd(queue.toKey('events'), '*', 'event', 'failed', 'jobId', 'also-otherwise');
    events.push(...(await reading));
    expect(of('comes', events)).toEqual(['delayed', 'progress', 'queued']);
    expect(of('goes', events).at(-1)).toBe('ended');
    expect(events.at(-1)?.data).toContain('"status":"timed_out"');
  });

  it('go on after the last that a reader has seen, and can be narrowed', async () => {
    const [first] = events.filter(({ event }) => event === 'delayed');
    const again = await read(
      '/executions/events?type=ended,queued',
      { 'last-event-id': first?.id as string },
      ({ data }) => data.includes('timed_out'),
    );
    expect(again.map(({ event }) => event)).not.toContain('progress');
    expect(of('comes', again)).toEqual(['queued']);
  });

  it('say when earlier ones are lost', async () => {
    await client.xtrim(queue.toKey('events'), 'MAXLEN', 1);
    const found = await read('/executions/events', { 'last-event-id': '1-1' }, () => true);
    expect(found[0]?.event).toBe('gap');
  });

  it('are refused after an id that is none', async () => {
    const answer = await fetch(`${api.url}/executions/events`, { headers: { 'last-event-id': 'x' } });
    expect(answer.status).toBe(400);
  });
});
