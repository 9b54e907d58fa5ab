import { beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { configureHttp, httpAdapter } from '../../src/api/configure-http.js';
import { AppModule } from '../../src/app.module.js';
import { ArchiveWriter } from '../../src/archive/archive-writer.js';
import type { HistoryPage, Statistics } from '../../src/contract/history.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import type { RedisClient } from '../../src/redis/connections.js';
import { IMPATIENT_REDIS } from '../../src/redis/redis.module.js';
import { aResult, DATABASES, emptyArchive, useArchives } from '../support/archive-parts.js';
import { settingsOf } from '../support/parts.js';
import { usePostgres } from '../support/test-postgres.js';
import { useRedis } from '../support/test-redis.js';
import { until } from '../support/until.js';

Logger.overrideLogger(false);
const postgres = usePostgres();
const redis = useRedis();

async function openApi(env: Record<string, string>): Promise<string> {
  const settings = settingsOf({ ROLES: 'api', REDIS_URL: redis.url, PORT: '0', LOG_LEVEL: 'silent', ...env });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.register(settings),
    httpAdapter(settings),
    { logger: false, abortOnError: false },
  );
  configureHttp(app, settings);
  await app.listen(0, '127.0.0.1');
  const impatient = app.get<RedisClient>(IMPATIENT_REDIS);
  await until(() => impatient.status === 'ready', { what: 'the application has reached Redis' });
  redis.onDispose(() => app.close());
  return app.getUrl();
}

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
  let url: string;

  beforeAll(async () => {
    const settings = await emptyArchive(kind, postgres);
    const writer = new ArchiveWriter(open(settings));
    await writer.write(
      HISTORY.map((result) => ({ executionId: result.execution_id, text: JSON.stringify(result) })),
    );
    const { DATABASE_URL, ARCHIVE_DIR } = settings;
    url = await openApi({
      KEY_PREFIX: `${kind.length}:`,
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
    const response = await fetch(`${url}/executions`);
    expect(response.status).toBe(503);
    expect(((await response.json()) as { detail: string }).detail).toMatch(
      /role archive.*or set DATABASE_URL/,
    );
    expect((await fetch(`${url}/executions/never`)).status).toBe(404);
  });
});
