import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { sql } from 'kysely';
import type { ArchiveDatabase } from '../../../src/archive/archive-database.js';
import { ArchiveWriter } from '../../../src/archive/write/archive-writer.js';
import { monthOf } from '../../../src/archive/write/partitions.js';
import { toDocument } from '../../../src/archive/record.js';
import { Retention } from '../../../src/archive/write/retention.js';
import type { Database } from '../../../src/archive/schema.js';
import type { Settings } from '../../../src/config/settings.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aResult, DATABASES, emptyArchive, useArchives } from '../../support/archive-parts.js';
import { usePostgres } from '../../support/servers/test-postgres.js';
import { archiveSettings } from '../../../src/config/slices.js';

Logger.overrideLogger(false);
const postgres = usePostgres();

describe.each(DATABASES)('writing to %s', (kind) => {
  const open = useArchives();
  let settings: Settings;
  let database: ArchiveDatabase;
  let writer: ArchiveWriter;

  beforeAll(async () => {
    settings = await emptyArchive(kind, postgres);
    database = open(settings);
    writer = new ArchiveWriter(database);
  });
  afterAll(() => database.stop());

  const write = (...results: ExecutionResult[]): Promise<void> =>
    writer.write(
      results.map((result) => ({ executionId: result.execution_id, text: JSON.stringify(result) })),
    );
  const read = <T>(work: (db: Database) => Promise<T>): Promise<T> => database.use(work);
  const stored = async (id: string): Promise<ExecutionResult[]> => {
    const rows = await read((db) =>
      db.selectFrom('executions').selectAll().where('execution_id', '=', id).execute(),
    );
    const logs = await read((db) =>
      db
        .selectFrom('execution_logs')
        .select(['logs', 'stdout', 'stderr'])
        .where('execution_id', '=', id)
        .execute(),
    );
    return rows.map((row) =>
      toDocument({
        ...row,
        finished_at: row.finished_at.toISOString(),
        started_at: row.started_at.toISOString(),
        logs: logs[0] ?? null,
      }),
    );
  };
  const counted = (day: string) =>
    read((db) =>
      db
        .selectFrom('daily_statistics')
        .select(['organization_id', 'workflow_id', 'status', 'executions', 'counts'])
        .where(sql<boolean>`day = ${day}::date`)
        .orderBy('organization_id')
        .execute(),
    );

  it('keeps the whole document', async () => {
    const result = aResult('whole', {
      workflow_id: 'wf',
      caller: { user_id: 'u', email: 'u@example.org', name: 'U' },
      organization: { id: 'o', name: 'O' },
      tags: ['a', 'b'],
      logs: [{ ts: '2026-03-01T10:00:00.000Z', level: 'info', stream: 'stdout', message: 'hello' }],
      stderr: 'err\n',
      variables: { deep: [{ n: 1.5 }] },
      metrics: { peak_memory_mb: 40.25, module_load_ms: null },
    });
    await write(result);
    expect(await stored('whole')).toEqual([result]);
  });

  it('keeps one row however often and in however many batches a result comes', async () => {
    const results = Array.from({ length: 20 }, (_, n) =>
      aResult(`again-${n}`, { finished_at: '2026-03-02T00:00:00.000Z' }),
    );
    await Promise.all([write(...results), write(...results.toReversed()), write(...results, ...results)]);
    const { rows } = await read((db) =>
      db
        .selectFrom('executions')
        .select('execution_id')
        .where('execution_id', 'like', 'again-%')
        .execute()
        .then((rows) => ({ rows })),
    );
    expect(rows).toHaveLength(20);
    expect(await counted('2026-03-02')).toMatchObject([
      { status: 'succeeded', executions: 20, counts: [20] },
    ]);
  });

  it('keeps the later of two executions that had one id, and forgets the earlier in the statistics too', async () => {
    const early = aResult('reused', { finished_at: '2026-03-03T00:00:00.000Z', result: 'early' });
    const late = aResult('reused', { finished_at: '2026-04-03T00:00:00.000Z', result: 'late', stdout: '' });
    await write(early);
    await write(late);
    await write(early);
    expect(await stored('reused')).toEqual([late]);
    expect(await counted('2026-03-03')).toMatchObject([{ executions: 0, counts: [] }]);
    expect(await counted('2026-04-03')).toMatchObject([{ executions: 1, counts: [1] }]);
  });

  it('counts each organization by itself and all together', async () => {
    const finished_at = '2026-03-04T12:00:00.000Z';
    await write(
      aResult('c1', { finished_at, organization: { id: 'a', name: null }, workflow_id: 'w' }),
      aResult('c2', { finished_at, organization: { id: 'b', name: null }, workflow_id: 'w' }),
      aResult('c3', { finished_at, workflow_id: 'w' }),
    );
    expect(await counted('2026-03-04')).toMatchObject([
      { organization_id: '', executions: 3 },
      { organization_id: 'a', executions: 1 },
      { organization_id: 'b', executions: 1 },
    ]);
  });

  it.each<[string, Partial<ExecutionResult>]>([
    ['NUL', { stdout: 'a\0b', error: 'c\0d', tags: ['\0'], result: { '\0': '\0' } }],
    ['halves of surrogate pairs', { stdout: 'a\ud800b', result: '\udc00', workflow_id: 'w\ud800' }],
    ['the escape character itself', { stdout: '\u{e000}0000', result: '\u{e000}' }],
    [
      'every kind of text',
      { stdout: '\\u0000 \\ud800 "\' \n\t😀 ‮', result: { constructor: 1, ['__proto__']: 2 } },
    ],
    ['large and tiny numbers', { result: [1e308, 5e-324, -0.1, Number.MAX_SAFE_INTEGER, 2 ** 80] }],
    ['a deep document', { result: JSON.parse('['.repeat(3000) + '"\\u0000"' + ']'.repeat(3000)) as unknown }],
    [
      'long ids and names',
      { workflow_id: 'w'.repeat(1000), tags: ['t'.repeat(1000)], error: 'e'.repeat(5000) },
    ],
    ['times that are none', { started_at: 'yesterday', finished_at: '+275760-01-01T00:00:00.000Z' }],
  ])('keeps %s', async (name, changes) => {
    const result = aResult(`odd-${name.replaceAll(' ', '-')}`, changes);
    await write(result);
    expect(await stored(result.execution_id)).toEqual([result]);
  });

  it('keeps a document that is too large without its largest fields, and says so', async () => {
    const result = aResult('large', { result: 'x'.repeat(20_000_000), stdout: 'kept' });
    await write(result);
    const [found] = await stored('large');
    expect(found).toMatchObject({ stdout: 'kept', archive_cut: ['result'] });
    expect(found).not.toHaveProperty('result');
  });

  it('one result that cannot be stored does not keep the others out', async () => {
    const before = writer.refused;
    await writer.write([
      { executionId: 'good-1', text: JSON.stringify(aResult('good-1')) },
      { executionId: 'bad', text: '{"no json' },
      { executionId: 'good-2', text: JSON.stringify(aResult('good-2')) },
    ]);
    expect(writer.refused - before).toBe(1);
    expect((await Promise.all(['good-1', 'bad', 'good-2'].map(stored))).map((found) => found.length)).toEqual(
      [1, 0, 1],
    );
  });

  it('drops the months that are older than what is kept, and nothing else', async () => {
    await write(
      aResult('old', { finished_at: '2020-01-31T23:59:59.999Z' }),
      aResult('young', { finished_at: '2020-02-01T00:00:00.000Z' }),
    );
    const retention = new Retention(
      database,
      archiveSettings.of({ ...settings, ARCHIVE_RETENTION_DAYS: 30 }),
    );
    await retention.apply(new Date('2020-03-02T00:00:00.000Z'));
    expect((await Promise.all(['old', 'young'].map(stored))).map((found) => found.length)).toEqual([0, 1]);
    expect(await counted('2020-01-31')).toEqual([]);
    expect(await counted('2020-02-01')).toHaveLength(1);
    // The partition is made again where it is needed.
    await write(aResult('old', { finished_at: '2020-01-31T23:59:59.999Z' }));
    expect(await stored('old')).toHaveLength(1);
    expect(monthOf(new Date('2020-01-31T23:59:59.999Z'))).toBe('2020-01');
  });
});
