// `npm run bench:archive`: how fast results are saved to Postgres, and how fast a history of a million is
// searched and counted. Needs a build (npm run build) and the programs of a Postgres server.
//
//   npm run bench:archive                   everything, in a database that is made and removed
//   npm run bench:archive -- load DIR       only makes the database, in a folder that stays
//   npm run bench:archive -- measure DIR    only measures, in such a folder
//   npm run bench:archive -- --smoke        a small version that only shows that it works
//
// Postgres runs with its own defaults: every commit waits for the disk.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { ArchiveDatabase } from '../src/archive/archive-database.ts';
import type { ArchiveWriter } from '../src/archive/write/archive-writer.ts';
import type { HistoryFilter } from '../src/contract/history/fields.ts';
import { freePort } from './harness/free-port.ts';
import { endWithThisProcess } from './harness/own-processes.ts';

const arguments_ = process.argv.slice(2).filter((argument) => argument !== '--smoke');
const SMOKE = process.argv.includes('--smoke');
const [phase = 'all', givenFolder] = arguments_;
const ROWS = SMOKE ? 5_000 : 1_000_000;
const WRITE_ROWS = SMOKE ? 2_000 : 40_000;
const BATCH = 500;
const ROUNDS = SMOKE ? 3 : 30;
const DAYS = 30;
/** The history ends here, so that every run has the same months. */
const END = Date.UTC(2026, 9, 31);
const DIST = join(import.meta.dirname, '..', 'dist');

const bin = join(globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1) ?? '/usr/bin/initdb', '..');
const folder = givenFolder ?? mkdtempSync(join(tmpdir(), 'bifrost-bench-archive-'));
const data = join(folder, 'data');
const user: { uid?: number; gid?: number } = process.getuid?.() === 0 ? idsOf('postgres') : {};

function idsOf(name: string): { uid: number; gid: number } {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name])));
  return { uid: uid as number, gid: gid as number };
}

async function startPostgres(): Promise<{ url: string; stop: () => Promise<void> }> {
  if (!globSync(join(data, 'PG_VERSION')).length) {
    mkdirSync(data, { recursive: true });
    const { uid, gid } = user;
    if (uid !== undefined && gid !== undefined) for (const path of [folder, data]) chownSync(path, uid, gid);
    execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
      ...user,
      cwd: tmpdir(),
    });
  }
  const port = await freePort();
  const options = [
    '-D',
    data,
    '-c',
    `port=${port}`,
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    'unix_socket_directories=',
  ];
  const server: ChildProcess = spawn(join(bin, 'postgres'), options, {
    ...user,
    cwd: tmpdir(),
    stdio: 'ignore',
  });
  endWithThisProcess(server);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    if (
      await client.connect().then(
        () => true,
        () => false,
      )
    ) {
      await client.end();
      break;
    }
    await sleep(100);
  }
  return {
    url,
    stop: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
    },
  };
}

/** Pseudo-random from 0 to 1, the same in every run. */
let seed = 42;
const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
const pick = (count: number): number => Math.floor(random() ** 2 * count);

/** A result as executions of a small company are: 20 workflows, 50 organizations, some kilobytes of logs. */
function aResult(at: number, id: string = randomUUID()): { executionId: string; text: string } {
  const failed = random() < 0.05;
  const durationMs = Math.round(20 * 10 ** (3 * random()) * 100) / 100;
  const error = failed
    ? `connect ECONNREFUSED 10.0.${pick(250)}.${pick(250)}:5432 while loading order ${pick(1_000_000)}`
    : null;
  const document = {
    execution_id: id,
    worker_id: `worker-${pick(8)}`,
    attempt: 1,
    workflow_id: `workflow-${pick(20)}`,
    caller: { user_id: `user-${pick(1000)}`, email: null, name: null },
    organization: { id: `organization-${pick(50)}`, name: null },
    tags: [`region-${pick(5)}`],
    success: !failed,
    status: failed ? (random() < 0.2 ? 'timed_out' : 'failed') : 'succeeded',
    result: failed
      ? null
      : { processed: pick(1000), message: 'done', items: Array.from({ length: 5 }, () => pick(100)) },
    error,
    error_type: failed ? 'Error' : null,
    failure: failed
      ? {
          code: 'USER_ERROR',
          message: error,
          stack: `Error: ${error}\n    at run (workflows/load.ts:12:9)`,
          evidence: {},
        }
      : null,
    duration_ms: durationMs,
    queued_ms: Math.round(random() * 100),
    started_at: new Date(at - durationMs).toISOString(),
    finished_at: new Date(at).toISOString(),
    logs: Array.from({ length: 3 }, (_, n) => ({
      ts: new Date(at).toISOString(),
      level: 'info',
      message: `step ${n} of the workflow is done`,
    })),
    logs_truncated: false,
    stdout:
      'step 0 of the workflow is done\nstep 1 of the workflow is done\nstep 2 of the workflow is done\n',
    stderr: '',
    exit_code: 0,
    variables: {},
    metrics: { peak_memory_mb: 60, user_time_seconds: 0.1, system_time_seconds: 0.02, module_load_ms: 3 },
    workspace_generation: 1,
    package_set: null,
  };
  return { executionId: id, text: JSON.stringify(document) };
}

async function openArchive(url: string): Promise<{ database: ArchiveDatabase; writer: ArchiveWriter }> {
  const { parseSettings } = (await import(
    join(DIST, 'config', 'settings.js')
  )) as typeof import('../src/config/settings.ts');
  const { archiveSettings } = (await import(
    join(DIST, 'config', 'slices.js')
  )) as typeof import('../src/config/slices.ts');
  const { ArchiveDatabase } = (await import(
    join(DIST, 'archive', 'archive-database.js')
  )) as typeof import('../src/archive/archive-database.ts');
  const { ArchiveWriter } = (await import(
    join(DIST, 'archive', 'write', 'archive-writer.js')
  )) as typeof import('../src/archive/write/archive-writer.ts');
  const database = new ArchiveDatabase(
    archiveSettings.of(parseSettings({ DATABASE_URL: url, ROLES: 'archive', WORKER_ID: 'bench' })),
  );
  return { database, writer: new ArchiveWriter(database) };
}

/** Writes a million results over a month, as the archive writes them; several at once, as several archives would. */
async function load(writer: ArchiveWriter): Promise<void> {
  const startedAt = performance.now();
  let next = 0;
  const write = async (): Promise<void> => {
    while (next < ROWS) {
      const from = next;
      next += BATCH;
      const batch = Array.from({ length: BATCH }, (_, n) =>
        aResult(END - ((from + n) / ROWS) * DAYS * 86_400_000 - 1),
      );
      await writer.write(batch);
      if (from % 100_000 === 0) process.stderr.write(`loaded ${from} of ${ROWS}\n`);
    }
  };
  await Promise.all([write(), write()]);
  console.log(`loaded ${ROWS} rows, two writers: ${perSecond(ROWS, startedAt)} results/s`);
}

const perSecond = (count: number, startedAt: number): number =>
  Math.round(count / ((performance.now() - startedAt) / 1000));

/** One writer, one batch after the other: what one archive does. */
async function measureWrites(writer: ArchiveWriter): Promise<void> {
  const now = Date.now();
  const batches = Array.from({ length: WRITE_ROWS / BATCH }, (_, b) =>
    Array.from({ length: BATCH }, (_, n) => aResult(now - b * BATCH - n)),
  );
  const startedAt = performance.now();
  for (const batch of batches) await writer.write(batch);
  console.log(
    `one writer, batches of ${BATCH}, ${WRITE_ROWS} results: ${perSecond(WRITE_ROWS, startedAt)} results/s`,
  );
}

async function timed(name: string, work: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  const [first] = times;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number).toFixed(1);
  console.log(
    `${name.padEnd(52)} first ${(first as number).toFixed(1).padStart(6)}  p50 ${at(0.5).padStart(6)}  p95 ${at(0.95).padStart(6)} ms`,
  );
}

async function measureReads(database: ArchiveDatabase): Promise<void> {
  const reader = (await import(
    join(DIST, 'archive', 'read', 'archive-reader.js')
  )) as typeof import('../src/archive/read/archive-reader.ts');
  const counter = (await import(
    join(DIST, 'archive', 'read', 'statistics-reader.js')
  )) as typeof import('../src/archive/read/statistics-reader.ts');
  const history = new reader.ArchiveReader(database);
  const statistics = new counter.StatisticsReader(database);
  const month = { since: new Date(END - DAYS * 86_400_000), until: new Date(END) };
  const pages = {
    'newest page': {},
    'status=failed': { status: ['failed'] },
    'workflow=workflow-3': { workflow: 'workflow-3' },
    'organization=organization-49 (rare)': { organization: 'organization-49' },
    'caller=user-999 (rare)': { caller: 'user-999' },
    'workflow and status and a week': {
      workflow: 'workflow-7',
      status: ['failed'],
      since: new Date(END - 14 * 86_400_000),
      until: new Date(END - 7 * 86_400_000),
    },
    'code=USER_ERROR, worker, tag': { code: 'USER_ERROR', worker: 'worker-3', tag: 'region-2' },
    'duration of at least 19 s (rare)': { min_duration_ms: 19_000 },
    'text=econnrefused': { text: 'econnrefused' },
    'text that is rare': { text: '10.0.249.2' },
    'text that is nowhere': { text: 'no such text anywhere' },
    'workflow that is nowhere': { workflow: 'nothing' },
  } satisfies Record<string, HistoryFilter>;
  for (const [name, filter] of Object.entries(pages)) {
    await timed(`page: ${name}`, () => history.list({ ...month, ...filter }, 50, null));
  }
  const days = { from: '2026-10-01', to: '2026-10-30' };
  const by = ['day', 'workflow', 'status'] as const;
  await timed('stats of a month by day, workflow and status', () => statistics.read({ ...days, by }));
  await timed('stats of a month by status', () => statistics.read({ ...days, by: ['status'] }));
  await timed('stats of a month, one organization', () =>
    statistics.read({ ...days, by, organization: 'organization-3' }),
  );
  await database.use(async (db) => {
    const explain = async (
      name: string,
      query: { compile(): { sql: string; parameters: readonly unknown[] } },
    ): Promise<void> => {
      const { sql, parameters } = query.compile();
      const { rows } = await db.executeQuery<{ 'QUERY PLAN': string }>({
        ...(query.compile() as object),
        sql: `EXPLAIN (ANALYZE, COSTS OFF) ${sql}`,
        parameters,
      } as never);
      console.log(`\n-- ${name}\n${rows.map((row) => row['QUERY PLAN']).join('\n')}`);
    };
    await explain(
      'page: workflow and status and a week',
      reader.listQuery(db, pages['workflow and status and a week'], 50, null),
    );
    await explain(
      'page: text that is rare',
      reader.listQuery(db, { ...month, ...pages['text that is rare'] }, 50, null),
    );
    await explain('stats of a month', counter.statisticsQuery(db, { ...days, by }));
  });
}

const { Logger } = await import('@nestjs/common');
Logger.overrideLogger(['error', 'fatal']);
const postgres = await startPostgres();
const { database, writer } = await openArchive(postgres.url);
try {
  await database.whenOpen();
  if (phase !== 'measure') {
    await load(writer);
    await database.use((db) =>
      db.executeQuery({
        ...db.selectFrom('archived_ids').select('execution_id').compile(),
        sql: 'VACUUM ANALYZE',
        parameters: [],
      }),
    );
  }
  if (phase !== 'load') {
    await measureReads(database);
    await measureWrites(writer);
  }
} finally {
  await database.stop();
  await postgres.stop();
  if (givenFolder === undefined) rmSync(folder, { recursive: true, force: true });
}
