// `npm run bench:list`: how long the first page of `GET /executions` takes with 100,000 queued, 10 running and
// 1,000,000 ended, filters too, with either database of the history; and how late events are on the stream at 300
// executions a second. Prints one table each. `--smoke` runs a small version that only shows that it works.
// Needs a build (npm run build), and the programs of a Postgres server for `postgres`; `-- embedded` or `-- postgres`
// measures with one of the two.
import { Queue, Worker } from 'bullmq';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, globSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { ExecutionResult } from '../src/contract/result.ts';
import { startWorker } from './harness/built-worker.ts';
import { freePort } from './harness/free-port.ts';
import { endWithThisProcess } from './harness/own-processes.ts';
import { startRedis } from './harness/redis.ts';

const SMOKE = process.argv.includes('--smoke');
const [only] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const ENDED = SMOKE ? 2_000 : 1_000_000;
const QUEUED = SMOKE ? 1_000 : 100_000;
const RUNNING = 10;
const ROUNDS = SMOKE ? 5 : 60;
const PER_SECOND = SMOKE ? 50 : 300;
const SECONDS = SMOKE ? 2 : 15;
const AT_ONCE = 10_000;
const QUEUE = 'bifrost-executions';
const DIST = join(import.meta.dirname, '..', 'dist');

/** ARGV from, to, now: jobs that wait, each with a context. */
const FILL = `
for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  local id = 'q-' .. n
  redis.call('HSET', 'bull:${QUEUE}:' .. id, 'name', 'execute', 'timestamp', ARGV[3] + n,
    'data', '{"execution_id":"' .. id .. '"}', 'opts', '{}')
  redis.call('LPUSH', 'bull:${QUEUE}:wait', id)
  redis.call('SET', 'bifrost:exec:' .. id .. ':context', '{"workflow_code":"1","workflow_id":"workflow-' ..
    n % 20 .. '","organization":{"id":"organization-' .. n % 50 .. '"},"tags":["region-' .. n % 5 .. '"]}')
end
`;

/** $1 how many: rows as the archive writes them, over the last twenty days, the newest first. */
const LOAD = `
INSERT INTO executions (execution_id, run, finished_at, started_at, status, failure_code, error_type, error,
  workflow_id, organization_id, caller_id, worker_id, attempt, tags, duration_ms, queued_ms, document_bytes, search, rest)
SELECT 'e-' || n, 1, moment, moment - interval '1 second',
  CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'succeeded' END,
  CASE WHEN n % 20 = 0 THEN 'USER_ERROR' END, CASE WHEN n % 20 = 0 THEN 'Error' END,
  CASE WHEN n % 20 = 0 THEN 'connect ECONNREFUSED while loading order ' || n END,
  'workflow-' || n % 20, 'organization-' || n % 50, 'user-' || n % 1000, 'worker-' || n % 8, 1,
  ARRAY['region-' || n % 5], n % 20000, n % 100, 1000,
  'e-' || n || E'\\n' || CASE WHEN n % 20 = 0 THEN 'connect econnrefused while loading order ' || n ELSE '' END ||
    E'\\nregion-' || n % 5, '{}'
FROM (SELECT n, now() - n * interval '1 second' * 1700000 / FROM_COUNT AS moment
      FROM generate_series(FROM_N, TO_N) AS n) AS numbers
`;

interface Archive {
  name: string;
  env: Record<string, string>;
  stop(): Promise<void>;
}

const folder = mkdtempSync(join(tmpdir(), 'bifrost-bench-list-'));

function idsOf(name: string): { uid: number; gid: number } {
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, name])));
  return { uid: uid as number, gid: gid as number };
}

async function openPostgres(): Promise<Archive> {
  const bin = join(globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1) ?? '/usr/bin/initdb', '..');
  const data = join(folder, 'data');
  mkdirSync(data);
  const user: { uid?: number; gid?: number } = process.getuid?.() === 0 ? idsOf('postgres') : {};
  const { uid, gid } = user;
  if (uid !== undefined && gid !== undefined) for (const path of [folder, data]) chownSync(path, uid, gid);
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8'], {
    ...user,
    cwd: tmpdir(),
  });
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories='];
  const server: ChildProcess = spawn(
    join(bin, 'postgres'),
    ['-D', data, ...settings.flatMap((one) => ['-c', one])],
    {
      ...user,
      cwd: tmpdir(),
      stdio: 'ignore',
    },
  );
  endWithThisProcess(server);
  return {
    name: 'Postgres',
    env: { DATABASE_URL: `postgres://postgres@127.0.0.1:${port}/postgres` },
    stop: async () => {
      const ended = once(server, 'exit');
      server.kill('SIGINT');
      await ended;
    },
  };
}

const openEmbedded = (): Archive => ({
  name: 'embedded',
  env: { ARCHIVE_DIR: join(folder, 'embedded') },
  stop: () => Promise.resolve(),
});

/** Makes the tables as the archive does, and fills them by SQL: writing a million results as it does takes many minutes. */
async function load(env: Record<string, string>): Promise<void> {
  const settings = (await import(
    join(DIST, 'config', 'settings.js')
  )) as typeof import('../src/config/settings.ts');
  const slices = (await import(
    join(DIST, 'config', 'slices.js')
  )) as typeof import('../src/config/slices.ts');
  const archive = (await import(
    join(DIST, 'archive', 'archive-database.js')
  )) as typeof import('../src/archive/archive-database.ts');
  const write = (await import(
    join(DIST, 'archive', 'write', 'archive-writer.js')
  )) as typeof import('../src/archive/write/archive-writer.ts');
  const parsed = settings.parseSettings({ ...env, ROLES: 'archive', WORKER_ID: 'bench' });
  const database = new archive.ArchiveDatabase(slices.archiveSettings.of(parsed));
  try {
    await database.whenOpen();
    const now = Date.now();
    // One of each month has the archive make the partitions.
    for (const daysAgo of [0, 10, 20]) {
      const finished = new Date(now - daysAgo * 86_400_000).toISOString();
      const document = { ...DOCUMENT, finished_at: finished, started_at: finished };
      const text = JSON.stringify(document);
      await new write.ArchiveWriter(database).write([{ executionId: `first-${daysAgo}`, text }]);
    }
    const run = (sql: string): Promise<unknown> =>
      database.use((db) =>
        db.executeQuery({ ...db.selectFrom('archived_ids').select('run').compile(), sql, parameters: [] }),
      );
    const step = Math.min(ENDED, 50_000);
    for (let from = 1; from <= ENDED; from += step) {
      const to = String(Math.min(ENDED, from + step - 1));
      await run(
        LOAD.replace('FROM_N', String(from)).replace('TO_N', to).replace('FROM_COUNT', String(ENDED)),
      );
      process.stderr.write(`loaded ${to} of ${ENDED}\n`);
    }
    await run('ANALYZE');
  } finally {
    await database.stop();
  }
}

const DOCUMENT = {
  execution_id: 'first',
  worker_id: 'worker-0',
  attempt: 1,
  success: true,
  status: 'succeeded',
  result: null,
  error: null,
  error_type: null,
  failure: null,
  duration_ms: 1,
  queued_ms: 1,
  logs: [],
  stdout: '',
  stderr: '',
  variables: {},
  metrics: {},
};

async function fillQueue(client: Redis): Promise<void> {
  for (let from = 1; from <= QUEUED; from += AT_ONCE)
    await client.eval(FILL, 0, from, Math.min(QUEUED, from + AT_ONCE - 1), Date.now() - QUEUED);
  for (let n = 1; n <= RUNNING; n += 1) {
    const id = `r-${n}`;
    await client.hset(`bull:${QUEUE}:${id}`, {
      name: 'execute',
      timestamp: Date.now(),
      data: `{"execution_id":"${id}"}`,
      opts: '{}',
    });
    await client.lpush(`bull:${QUEUE}:active`, id);
    await client.hset(`{bifrost:exec:${id}:result}:ledger`, {
      attempt: 1,
      owner: 'w#1',
      worker: 'w',
      started_at: new Date().toISOString(),
    });
  }
}

const PAGES: Record<string, string> = {
  'first page': '',
  'status=running': 'status=running',
  'status=failed': 'status=failed',
  'status=queued,running': 'status=queued,running',
  'workflow=workflow-3': 'workflow=workflow-3',
  'organization=organization-49': 'organization=organization-49',
  'tag=region-2': 'tag=region-2',
  'workflow that is nowhere': 'workflow=nothing',
  'text=econnrefused': 'text=econnrefused',
  'text that is nowhere': 'text=no+such+text',
  'workflow, failed, of a week': `workflow=workflow-0&status=failed&since=${daysAgo(10)}&until=${daysAgo(3)}`,
};

function daysAgo(days: number): string {
  return new Date(Date.now() - days * 86_400_000).toISOString();
}

async function measurePages(name: string, url: string): Promise<void> {
  for (const [page, query] of Object.entries(PAGES)) {
    const times: number[] = [];
    let length = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const startedAt = performance.now();
      const response = await fetch(`${url}/executions?${query}`);
      const body = (await response.json()) as { executions: unknown[]; history_away: string | null };
      times.push(performance.now() - startedAt);
      if (response.status !== 200 || body.history_away !== null) throw new Error(JSON.stringify(body));
      length = body.executions.length;
    }
    console.log(
      `${name.padEnd(9)} ${page.padEnd(30)} ${String(length).padStart(4)} listed  ${quantiles(times)}`,
    );
  }
}

function quantiles(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] as number).toFixed(1).padStart(6);
  return `p50 ${at(0.5)}  p95 ${at(0.95)}  max ${at(1)} ms`;
}

/** Executions of a worker that only ends them, through BullMQ as it is: each has the three events of its job. */
async function measureEvents(url: string, redisUrl: string): Promise<void> {
  const connection = { url: redisUrl, maxRetriesPerRequest: null };
  const queue = new Queue(QUEUE, { connection });
  const client = new Redis(redisUrl);
  const endedAt = new Map<string, number>();
  const worker = new Worker(
    QUEUE,
    async (job) => {
      const { execution_id: id } = job.data as { execution_id: string };
      const now = new Date().toISOString();
      const document: Partial<ExecutionResult> = {
        ...DOCUMENT,
        execution_id: id,
        started_at: now,
        finished_at: now,
      } as never;
      await client.set(`bifrost:exec:${id}:result`, JSON.stringify(document), 'EX', 600);
      endedAt.set(id, performance.now());
    },
    { connection, concurrency: 20 },
  );
  const lags: number[] = [];
  let gaps = 0;
  const request = get(`${url}/executions/events`);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let rest = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      if (block.includes('event: gap')) gaps += 1;
      const id = /event: ended[^]*"execution_id":"([^"]+)"/.exec(block)?.[1];
      const ended = id === undefined ? undefined : endedAt.get(id);
      if (ended !== undefined) lags.push(performance.now() - ended);
    }
  });
  const startedAt = performance.now();
  let added = 0;
  while (performance.now() - startedAt < SECONDS * 1000) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * PER_SECOND);
    const jobs = Array.from({ length: due - added }, (_, n) => `s-${added + n}`);
    added += jobs.length;
    await queue.addBulk(
      jobs.map((id) => ({ name: 'execute', data: { execution_id: id }, opts: { jobId: id, lifo: true } })),
    );
    await sleep(20);
  }
  for (let waited = 0; lags.length < added && waited < 30_000; waited += 50) await sleep(50);
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `events    ${added} executions at ${PER_SECOND}/s, ${lags.length} ended on the stream within ${seconds.toFixed(1)} s, ${gaps} gaps; after the result ${quantiles(lags)}`,
  );
  request.destroy();
  await worker.close(true);
  await queue.close();
  client.disconnect();
}

const { Logger } = await import('@nestjs/common');
Logger.overrideLogger(['error', 'fatal']);
const kinds = [
  ...(only === undefined || only === 'postgres' ? [openPostgres] : []),
  ...(only === undefined || only === 'embedded' ? [openEmbedded] : []),
];
try {
  for (const open of kinds) {
    const archive = await open();
    await load(archive.env);
    const redis = await startRedis();
    const client = new Redis(redis.url);
    await fillQueue(client);
    const api = await startWorker('api', {
      REDIS_URL: redis.url,
      ROLES: 'api,archive',
      ...archive.env,
    });
    try {
      for (;;) {
        const response = await fetch(`${api.url}/executions?status=succeeded&limit=1`);
        if (response.status === 200) break;
        await sleep(200);
      }
      await measurePages(archive.name, api.url);
      // The queue is emptied first: what waits would be taken by the worker of this part.
      if (open === kinds.at(-1)) {
        await client.flushall();
        await measureEvents(api.url, redis.url);
      }
    } finally {
      await api.stop();
      client.disconnect();
      await redis.stop();
      await archive.stop();
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
