import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { ArchiveDatabase } from '../../../src/archive/archive-database.js';
import { ArchiveWriter } from '../../../src/archive/write/archive-writer.js';
import type { Settings } from '../../../src/config/settings.js';
import type { HistoryPage, Statistics } from '../../../src/contract/history.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { ArchiveFeed } from '../../../src/results/archive-feed.js';
import { SETTLE } from '../../../src/results/execution-scripts.js';
import { openApplication } from '../../support/application.js';
import { aResult, DATABASES, emptyArchive, makeArchiver, useArchives } from '../../support/archive-parts.js';
import { usePostgres } from '../../support/servers/test-postgres.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { resultSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);
const postgres = usePostgres();
const redis = useRedis();

const openApi = async (env: Record<string, string>): Promise<string> =>
  (await openApplication(redis, { ROLES: 'api', ...env })).url;

interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T & { detail?: string; errors?: { field: string; message: string }[] };
}

const MINUTE_MS = 60_000;
const START = Date.parse('2026-05-10T00:00:00.000Z');

/** 120 executions, one each minute: every third failed, of three workflows, two organizations, two callers. */
const HISTORY: ExecutionResult[] = Array.from({ length: 120 }, (_, n) => {
  const failed = n % 3 === 0;
  return aResult(`run-${String(n).padStart(3, '0')}`, {
    status: failed ? 'failed' : 'succeeded',
    success: !failed,
    error: failed ? `ECONNREFUSED 100%_sure of it's number ${n}` : null,
    error_type: failed ? 'ConnectError' : null,
    failure: failed ? { code: 'USER_ERROR', message: 'x', stack: null, evidence: {} } : null,
    workflow_id: `wf-${n % 4}`,
    organization: { id: `org-${n % 2}`, name: null },
    caller: { user_id: `u-${n % 5}`, email: `u${n % 5}@example.org`, name: null },
    worker_id: `w-${n % 6}`,
    tags: n % 10 === 0 ? ['rare', 'all'] : ['all'],
    duration_ms: n * 10,
    started_at: new Date(START + n * MINUTE_MS - n * 10).toISOString(),
    finished_at: new Date(START + n * MINUTE_MS).toISOString(),
  });
});

describe.each(DATABASES)('the history in %s', (kind) => {
  const open = useArchives();
  const KEY_PREFIX = `${kind.length}:`;
  const keys = new RedisKeys(KEY_PREFIX);
  let settings: Settings;
  let database: ArchiveDatabase;
  let url: string;

  beforeAll(async () => {
    settings = await emptyArchive(kind, postgres, { KEY_PREFIX });
    database = open(settings);
    const writer = new ArchiveWriter(database);
    await writer.write(
      HISTORY.map((result) => ({ executionId: result.execution_id, text: JSON.stringify(result) })),
    );
    const { DATABASE_URL, ARCHIVE_DIR } = settings;
    url = await openApi({
      KEY_PREFIX,
      ...(DATABASE_URL === undefined ? { ARCHIVE_DIR } : { DATABASE_URL }),
    });
  });

  async function ask<T>(
    path: string,
    query: Record<string, string> = {},
    method = 'GET',
  ): Promise<Answer<T>> {
    const response = await fetch(`${url}${path}?${new URLSearchParams(query).toString()}`, { method });
    return { status: response.status, body: (await response.json()) as Answer<T>['body'] };
  }
  const list = (query: Record<string, string>) => ask<HistoryPage>('/executions', query);
  const idsOf = async (query: Record<string, string>): Promise<string[]> => {
    const { status, body } = await list({ limit: '500', ...query });
    expect({ status, errors: body.errors }).toEqual({ status: 200, errors: undefined });
    return body.executions.map((execution) => execution.execution_id);
  };
  const expected = (which: (result: ExecutionResult, n: number) => boolean): string[] =>
    HISTORY.filter(which)
      .map((result) => result.execution_id)
      .toReversed();

  it('is listed newest first, a page at a time, each execution once', async () => {
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { body }: Answer<HistoryPage> = await list({ limit: '50', ...(cursor ? { cursor } : {}) });
      seen.push(...body.executions.map((execution) => execution.execution_id));
      cursor = body.next_cursor;
    } while (cursor);
    expect(seen).toEqual(expected(() => true));
  });

  it.each<[string, Record<string, string>, (result: ExecutionResult, n: number) => boolean]>([
    ['status', { status: 'failed' }, (_, n) => n % 3 === 0],
    ['several statuses', { status: 'failed,succeeded' }, () => true],
    ['failure code', { code: 'USER_ERROR' }, (_, n) => n % 3 === 0],
    ['workflow', { workflow: 'wf-1' }, (_, n) => n % 4 === 1],
    ['organization', { organization: 'org-1' }, (_, n) => n % 2 === 1],
    ['id of the caller', { caller: 'u-2' }, (_, n) => n % 5 === 2],
    ['address of the caller', { caller: 'u3@example.org' }, (_, n) => n % 5 === 3],
    ['worker', { worker: 'w-4' }, (_, n) => n % 6 === 4],
    ['tag', { tag: 'rare' }, (_, n) => n % 10 === 0],
    ['least duration', { min_duration_ms: '1000' }, (_, n) => n >= 100],
    ['times', { since: '2026-05-10T00:10', until: '2026-05-10T00:20:00Z' }, (_, n) => n >= 10 && n < 20],
    ['a time of another zone', { since: '2026-05-10T03:00:00+02:00' }, (_, n) => n >= 60],
    ['text of the error, whatever its case', { text: 'econnREFUSED' }, (_, n) => n % 3 === 0],
    ['text of the id', { text: 'N-01' }, (_, n) => n >= 10 && n < 20],
    [
      'everything at once',
      { workflow: 'wf-0', status: 'failed', tag: 'all', text: 'sure' },
      (_, n) => n % 12 === 0,
    ],
    ['nothing that is there', { workflow: 'none' }, () => false],
  ])('is narrowed by %s', async (_name, query, which) => {
    expect(await idsOf(query)).toEqual(expected(which));
  });

  it.each<[string, string, (n: number) => boolean]>([
    ['a percent sign', '100%_sure', (n) => n % 3 === 0],
    ['a percent sign as a wildcard', 'ECONN%sure', () => false],
    ['an underscore as a wildcard', '100__sure', () => false],
    ['a quote', "it's number 3", (n) => n === 3 || n === 30 || n === 33 || n === 36 || n === 39],
    ['the end of a statement', "'; DROP TABLE executions;--", () => false],
    ['a backslash', '\\', () => false],
    ['NUL', '\0', () => false],
    ['half of a surrogate pair and an emoji', '😀', () => false],
  ])('takes %s in a text for what it is', async (_name, text, which) => {
    expect(await idsOf({ text })).toEqual(expected((_, n) => which(n)));
    expect(await idsOf({ workflow: text })).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ['limit', { limit: '1e9' }],
    ['limit', { limit: '0' }],
    ['limit', { limit: '5; DROP TABLE executions' }],
    ['text', { text: 'x'.repeat(10_000) }],
    ['workflow', { workflow: 'x'.repeat(10_000) }],
    ['text', { text: '' }],
    ['cursor', { cursor: 'nonsense' }],
    ['cursor', { cursor: 'WzEsIlx1MDAwMCJd' }],
    ['cursor', { cursor: 'x'.repeat(10_000) }],
    ['status', { status: "failed' OR 1=1;--" }],
    ['code', { code: '%' }],
    ['since', { since: 'yesterday' }],
    ['since', { since: '2026-13-45' }],
    ['since', { since: '2026-05-11', until: '2026-05-10' }],
    ['min_duration_ms', { min_duration_ms: 'NaN' }],
    ['wokflow', { wokflow: 'spelled wrong' }],
  ])('refuses a bad %s by name', async (field, query) => {
    const { status, body } = await list(query);
    expect({ status, fields: body.errors?.map((error) => error.field) }).toEqual({
      status: 400,
      fields: [field],
    });
    expect(body.detail?.length).toBeLessThan(1000);
  });

  it('has the whole document of an execution that is in Redis no more, and of a task', async () => {
    expect((await ask(`/executions/run-003`)).body).toEqual(HISTORY[3]);
    expect((await ask('/tasks/run-003')).body).toMatchObject({ taskId: 'run-003', status: 'failed' });
    expect((await ask('/executions/never')).status).toBe(404);
  });

  it('is counted by day, workflow and status', async () => {
    const { status, body } = await ask<Statistics>('/executions/stats', {
      since: '2026-05-01',
      until: '2026-06-01',
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ from: '2026-05-01', to: '2026-05-31' });
    expect(body.groups).toHaveLength(8);
    expect(body.groups.reduce((sum, group) => sum + group.executions, 0)).toBe(120);
    const found = body.groups.find((group) => group.workflow_id === 'wf-1' && group.status === 'failed');
    expect(found).toMatchObject({ day: '2026-05-10', executions: 10 });
    const durations = HISTORY.filter((_, n) => n % 4 === 1 && n % 3 === 0).map(
      (result) => result.duration_ms,
    );
    const [p50, p95] = [durations[4]!, durations[9]!];
    expect(Math.abs(found!.duration_ms.p50 - p50) / p50).toBeLessThan(0.021);
    expect(Math.abs(found!.duration_ms.p95 - p95) / p95).toBeLessThan(0.021);
  });

  it('is counted for one organization, by what one names', async () => {
    const query = { since: '2026-05-10', until: '2026-05-11', by: 'status', organization: 'org-1' };
    const { body } = await ask<Statistics>('/executions/stats', query);
    expect(body.groups).toMatchObject([
      { status: 'failed', executions: 20 },
      { status: 'succeeded', executions: 40 },
    ]);
    expect(body.groups[0]).not.toHaveProperty('day');
  });

  it.each([
    ['by', { by: 'hour' }],
    ['caller', { caller: 'u' }],
    ['since', { since: '-1' }],
  ])('refuses statistics with a bad %s by name', async (field, query) => {
    const { status, body } = await ask('/executions/stats', query);
    expect({ status, fields: body.errors?.map((error) => error.field) }).toEqual({
      status: 400,
      fields: [field],
    });
  });

  describe('deleting', () => {
    const publish = async (id: string, changes: Partial<ExecutionResult>): Promise<void> => {
      const client = redis.connect();
      const result = aResult(id, { finished_at: new Date().toISOString(), ...changes });
      await client.set(keys.result(id), JSON.stringify(result), 'EX', 600);
      await client.hset(keys.ledger(id), { attempt: 1, owner: '', published: '1' });
      await client.set(keys.context(id), '{}');
      await new ArchiveFeed(client, keys, resultSettings.of(settings)).append(id, 1, JSON.stringify(result));
    };
    const archiveAll = async (): Promise<void> => {
      const { archiver, feed } = makeArchiver(redis, database, settings);
      archiver.start();
      await until(async () => (await feed.gap()).waiting === 0, { what: 'everything is archived' });
      await archiver.stop();
    };

    it('one execution removes it everywhere, and nothing late brings it back', async () => {
      await publish('gone', { workflow_id: 'deleted' });
      const text = (await redis.connect().get(keys.result('gone'))) as string;
      await archiveAll();
      expect(await idsOf({ workflow: 'deleted' })).toEqual(['gone']);
      expect(await ask('/executions/gone/record', {}, 'DELETE')).toMatchObject({
        status: 200,
        body: { executions: 1, archived: 1 },
      });
      expect((await ask('/executions/gone')).status).toBe(404);
      expect(await idsOf({ workflow: 'deleted' })).toEqual([]);
      expect(await redis.connect().exists(keys.result('gone'), keys.context('gone'))).toBe(0);
      // A stream entry that comes late, and a worker that was frozen and settles late.
      await new ArchiveFeed(redis.connect(), keys, resultSettings.of(settings)).append('gone', 1, text);
      await archiveAll();
      await SETTLE.run(
        redis.connect(),
        [keys.result('gone'), keys.ledger('gone'), keys.attempts('gone')],
        [text, 600, 1, '', '', 1],
      );
      expect((await ask('/executions/gone')).status).toBe(404);
      const { body } = await ask<Statistics>('/executions/stats', { workflow: 'deleted' });
      expect(body.groups).toEqual([]);
    });

    it('one that waits for the archive keeps it out of there', async () => {
      await publish('waiting', { workflow_id: 'deleted' });
      expect((await ask('/executions/waiting/record', {}, 'DELETE')).body).toEqual({
        executions: 1,
        archived: 0,
      });
      await archiveAll();
      expect((await ask('/executions/waiting')).status).toBe(404);
    });

    it('is refused for what has not ended, and for what is not there', async () => {
      await redis.connect().hset(keys.ledger('running'), { attempt: 1, owner: 'w#1', worker: 'w' });
      const running = await ask('/executions/running/record', {}, 'DELETE');
      expect(running).toMatchObject({
        status: 409,
        body: { detail: expect.stringContaining('cancel it first') },
      });
      expect((await ask('/executions/never/record', {}, 'DELETE')).status).toBe(404);
    });

    it('an organization removes what is archived and what waits, and nothing of others', async () => {
      const acme = { organization: { id: "acme's %", name: null } };
      await publish('acme-1', acme);
      await archiveAll();
      await publish('acme-2', acme);
      await publish('other-1', { organization: { id: 'other', name: null } });
      const path = `/organizations/${encodeURIComponent("acme's %")}/executions`;
      expect((await ask(path, {}, 'DELETE')).body).toEqual({ executions: 2, archived: 1 });
      await archiveAll();
      expect(await idsOf({ organization: "acme's %" })).toEqual([]);
      expect(await idsOf({ organization: 'other' })).toEqual(['other-1']);
      const counted = await ask<Statistics>('/executions/stats', { organization: "acme's %" });
      expect(counted.body.groups).toEqual([]);
      for (const id of ['acme-1', 'acme-2']) expect((await ask(`/executions/${id}`)).status).toBe(404);
    });

    it('leaves ids that cannot be used again at once', async () => {
      const answer = await fetch(`${url}/executions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ execution_id: 'gone', workflow_code: '1' }),
      });
      expect(answer.status).toBe(409);
    });
  });

  it('is exported as JSON lines, oldest first', async () => {
    const response = await fetch(`${url}/executions/export?since=2026-05-10T00:30&until=2026-05-10T01:00`);
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    expect(response.headers.get('x-total-count')).toBe('30');
    const documents = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(documents).toEqual(HISTORY.slice(30, 60));
  });
});

describe('without an archive', () => {
  it('the history is not available, and says what to do; an unknown execution is just unknown', async () => {
    const url = await openApi({ ARCHIVE_DIR: '/tmp/bifrost-no-archive-here', KEY_PREFIX: 'no:' });
    const response = await fetch(`${url}/executions?status=succeeded,failed`);
    expect(response.status).toBe(503);
    expect(((await response.json()) as { detail: string }).detail).toMatch(
      /role archive.*or set DATABASE_URL/,
    );
    expect((await fetch(`${url}/executions/never`)).status).toBe(404);
  });
});
