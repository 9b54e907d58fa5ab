import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext, NAP } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);

const folder = mkdtempSync(join(tmpdir(), 'bifrost-test-artifacts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Most memory that a process ever had. */
const mostMemoryMb = (pid: number): number =>
  Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

const cpuSeconds = ({ metrics }: ExecutionResult): number =>
  (metrics.user_time_seconds as number) + (metrics.system_time_seconds as number);

/** A time limit that code has to reach a certain place before, also on a slow and busy machine. */
const PLACE_LIMIT_SECONDS = 3;

/** Where code is blocked is looked for during half a second, which a crowded machine may not be given in time: then once more. */
async function withPlace(run: () => Promise<ExecutionResult>): Promise<ExecutionResult> {
  for (let more = 4; ; more -= 1) {
    const result = await run();
    if (more === 0 || result.failure?.evidence.blocked_at !== undefined) return result;
  }
}

/** How an execution must end, whatever kind of runner carries it out. */
type Ending = [
  what: string,
  code: string,
  failure: string | null,
  message?: RegExp | undefined,
  seconds?: number,
];

/** Time limit of code that uses the processor until then. */
const BUSY_SECONDS = 0.5;

const ENDINGS: Ending[] = [
  ['success', 'export default () => 42', null],
  [
    'a late success',
    'export default async () => { await new Promise((r) => setTimeout(r, 20)); return 42 }',
    null,
  ],
  ['a synchronous throw', 'export default () => { throw new TypeError("boom") }', 'USER_ERROR', /boom/],
  [
    'a rejection',
    'export default async () => { await null; throw new TypeError("boom") }',
    'USER_ERROR',
    /boom/,
  ],
  ['a throw while it loads', 'throw new Error("boom"); export default 1', 'USER_ERROR', /boom/],
  ['process.exit', 'export default () => process.exit(3)', 'USER_ERROR', /process\.exit\(3\)/],
  [
    'an unhandled rejection',
    'export default () => { Promise.reject(new Error("nobody")); return new Promise(() => {}) }',
    'USER_ERROR',
    /nobody/,
  ],
  [
    'a throw after the result',
    'export default () => { setTimeout(() => { throw new Error("late") }, 1); return 42 }',
    null,
  ],
  ['SIGKILL', 'export default () => process.kill(process.pid, "SIGKILL")', 'RUNNER_CRASHED', /SIGKILL/],
  ['an endless loop', 'export default () => { for (;;); }', 'TIMED_OUT', undefined, BUSY_SECONDS],
  [
    'endless microtasks',
    'export default () => { const f = () => void Promise.resolve().then(f); f(); return new Promise(() => {}) }',
    'TIMED_OUT',
    undefined,
    BUSY_SECONDS,
  ],
  [
    'a promise that never settles',
    'export default () => new Promise(() => setInterval(() => {}, 1000))',
    'TIMED_OUT',
  ],
  ['endless recursion', 'export default function f() { return f() + 1 }', 'USER_ERROR', /call stack/],
  [
    'a full heap',
    'export default () => { const all = []; for (;;) all.push(new Array(1e4).fill({})) }',
    'OUT_OF_MEMORY',
  ],
  [
    'full buffers',
    'export default () => { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)) }',
    'OUT_OF_MEMORY',
  ],
  ['a value of 200 MB', 'export default () => "x".repeat(2e8)', 'OUTPUT_LIMIT'],
  ['a flood of output', 'export default () => { for (;;) console.log("x".repeat(1e4)) }', 'OUTPUT_LIMIT'],
];

describe.each([
  ['single-use process', { RUNNER_START: 'spawn' }],
  ['forked process', { RUNNER_START: 'fork', ISOLATION: 'namespace' }],
  [
    'reused process',
    { RUNNER_MAX_EXECUTIONS: '100', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', ISOLATION: 'process' },
  ],
  [
    'thread',
    {
      RUNNER: 'thread',
      TRUSTED_CODE: 'true',
      RUNNER_THREADS: '2',
      RUNNER_MAX_EXECUTIONS: '100',
      RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
    },
  ],
])('a runner of the kind %s', (kind, env) => {
  const startWorker = useWorkers();
  let producer: Producer;
  let worker: WorkerProcess;
  const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
    producer.executionResult(await producer.submitExecution(aContext(changes)));

  beforeAll(async () => {
    const queueName = kind.replaceAll(' ', '-');
    producer = makeProducer({ queueName });
    worker = await startWorker({
      env: {
        REDIS_URL: redis.url,
        QUEUE_NAME: queueName,
        CONCURRENCY: '2',
        MEMORY_LIMIT_MB: '256',
        OUTPUT_LIMIT_BYTES: '1000000',
        // What reacts has to do so within it, also on a slow and busy machine.
        CANCEL_GRACE_SECONDS: '3',
        ARTIFACTS_DIR: join(folder, queueName),
        ARTIFACT_MAX_MB: '60',
        ...env,
      },
    });
  });

  it.each(
    ENDINGS.map(
      ([what, code, failure, message = /(?:)/, seconds = 1]) =>
        [what, code, failure, message, seconds] as const,
    ),
  )(
    'ends %s with one clear result, and the next execution succeeds',
    async (_what, code, failure, message, seconds) => {
      const timeout_seconds = failure === 'TIMED_OUT' ? seconds : 120;
      const id = await producer.submitExecution(aContext({ workflow_code: code, timeout_seconds }));
      const result = await producer.executionResult(id);
      expect([result.failure?.code ?? null, result.error]).toEqual([
        failure,
        failure ? expect.anything() : null,
      ]);
      if (failure !== null) expect(result.error).toMatch(message);
      if (failure === null) expect(result.result).toBe(42);
      expect(result.isolation?.start).toBe(kind === 'forked process' ? 'fork' : 'spawn');
      if (failure === 'TIMED_OUT') expect(result.failure?.evidence.limit).toBe(`${seconds} s of time`);
      expect(await run({ workflow_code: 'export default () => "next"' })).toMatchObject({ result: 'next' });
      expect(producer.resultsOf(id)).toHaveLength(1);
    },
  );

  it('ends process.abort with one clear result, and the next execution succeeds', async () => {
    const id = await producer.submitExecution(
      aContext({ workflow_code: 'export default () => process.abort()' }),
    );
    const { failure } = await producer.executionResult(id);
    // In a thread Node refuses it.
    if (kind === 'thread') expect(failure).toMatchObject({ code: 'USER_ERROR' });
    else expect(failure).toMatchObject({ code: 'RUNNER_CRASHED', evidence: { signal: 'SIGABRT' } });
    expect(await run({ workflow_code: 'export default () => "next"' })).toMatchObject({ result: 'next' });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });

  it('aborts context.signal or kills at the time limit', async () => {
    const result = await run({
      workflow_code:
        'export default (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("aborted")))',
      timeout_seconds: 1,
    });
    expect(result.status).toBe('timed_out');
  });

  it.each([
    [
      'reacts',
      '(_, { signal }) => { const end = new Promise((resolve) => signal.addEventListener("abort", () => resolve(1))); console.log("on"); return end; }',
      'by itself',
    ],
    [
      'never took the signal',
      '() => { console.log("on"); return new Promise(() => setInterval(() => {}, 1e6)); }',
      'killed',
    ],
    ['is blocked', `() => { console.log("on"); for (;;) ${NAP}; }`, 'killed'],
  ])('ends cancelled code that %s, and the next execution succeeds', async (_what, code, ended) => {
    const id = await producer.submitExecution(aContext({ workflow_code: `export default ${code}` }));
    const client = redis.connect();
    await until(async () => (await client.xlen(`bifrost:logs:${id}`)) > 1, { what: 'it says that it is on' });
    await client.publish('bifrost:cancel', JSON.stringify({ execution_id: id, reason: 'so' }));
    const result = await producer.executionResult(id);
    expect(result).toMatchObject({
      status: 'cancelled',
      error: 'The execution was cancelled: so',
      cancellation: { ended },
    });
    expect(await run({ workflow_code: 'export default () => "next"' })).toMatchObject({ result: 'next' });
    expect(producer.resultsOf(id)).toHaveLength(1);
  });

  it('reports what an execution used and where its time went, also when it was killed', async () => {
    // It computes between the looks at its usage, which itself is time of the system for the most part.
    const burn = (usage: string, seconds: number): string =>
      `const used = () => process.${usage}().user; const from = used(); let n = 0;
       while (used() - from < ${seconds * 1e6}) for (let i = 0; i < 1e5; i++) n += i % 7;`;
    const measured = { queue_ms: expect.any(Number), prepare_ms: expect.any(Number) };
    const slow = await run({
      workflow_code: `export default async () => { ${burn('threadCpuUsage', 0.4)} }`,
    });
    expect(slow.metrics).toMatchObject({
      ...measured,
      runner_wait_ms: expect.any(Number),
      module_load_ms: expect.any(Number),
      peak_memory_mb: expect.any(Number),
    });
    expect(slow.metrics.run_ms).toBeGreaterThanOrEqual(400);
    expect(cpuSeconds(slow)).toBeGreaterThan(0.3);
    const idle = await run({ workflow_code: 'export default () => 1' });
    expect(cpuSeconds(idle)).toBeLessThan(cpuSeconds(slow));
    const killed = await run({
      workflow_code: `export default () => { ${burn('cpuUsage', 0.1)} for (;;) ${NAP}; }`,
      timeout_seconds: 1,
    });
    expect(killed).toMatchObject({ status: 'timed_out', metrics: measured });
    // However busy the machine is.
    expect(cpuSeconds(killed)).toBeGreaterThan(0.02);
    const broken = await run({ workflow_code: 'export default (' });
    expect(broken).toMatchObject({ status: 'failed', metrics: measured });
  });

  it('carries logs, environment, progress and the script form alike', async () => {
    const result = await run({
      workflow_code:
        'console.log("one"); console.error("two"); setTimeout(() => console.log(process.env.GIVEN), 5); export default 1',
      function_name: null,
      env: { GIVEN: 'three' },
    });
    expect(result).toMatchObject({ success: true, result: 1, stdout: 'one\nthree\n', stderr: 'two\n' });
    expect((await run({ workflow_code: 'export default () => ({ ...process.env })' })).result).toEqual({});
  });

  it('takes what code leaves, however it ends, and hands it the files that it is given', async () => {
    const named = ({ artifacts = [] }: ExecutionResult): string[] => artifacts.map(({ name }) => name);
    const left = await run({
      workflow_code: `import fs from 'node:fs';
export default async (_, { artifacts, files }) => {
  await artifacts.write('copy.txt', files['in.txt']);
  await artifacts.write('pieces.bin', (function* () { for (let i = 0; i < 3; i++) yield files['in.bin']; })());
  fs.writeFileSync(artifacts.dir + '/by path.json', '{}');
};`,
      files: { 'in.txt': 'text', 'in.bin': { base64: 'AAEC' } },
    });
    const read = async (result: ExecutionResult, name: string): Promise<Buffer> => {
      const path = `${result.execution_id}/artifacts/${encodeURIComponent(name)}`;
      return Buffer.from(await (await fetch(`${worker.url}/executions/${path}`)).arrayBuffer());
    };
    expect(left).toMatchObject({ status: 'succeeded' });
    expect(named(left)).toEqual(['by path.json', 'copy.txt', 'pieces.bin']);
    expect(String(await read(left, 'copy.txt'))).toBe('text');
    expect([...(await read(left, 'pieces.bin'))]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    // The next one finds nothing of it.
    expect(named(await run({ workflow_code: 'export default (_, { artifacts }) => artifacts.dir' }))).toEqual(
      [],
    );

    for (const end of ['throw new Error("no")', 'process.exit(3)', 'process.kill(process.pid, "SIGKILL")']) {
      const result = await run({
        workflow_code: `export default async (_, { artifacts }) => { await artifacts.write('seen.txt', '1'); ${end} }`,
      });
      expect([end, result.status, named(result)]).toEqual([end, 'failed', ['seen.txt']]);
    }
  });

  // What the worker does is the same for all kinds; here the folder is in memory.
  const itOnce = kind === 'single-use process' ? it : null;
  itOnce?.('takes 50 MB without having them in memory, and refuses more than it may take', async () => {
    const write = (megabytes: number): Partial<ExecutionContext> => ({
      workflow_code: `export default async (_, { artifacts }) => {
  await artifacts.write('large.bin', (function* () { for (let i = 0; i < ${megabytes}; i++) yield Buffer.alloc(1048576, i); })());
  return 'returned';
}`,
    });
    await run(write(1));
    const before = mostMemoryMb(worker.pid);
    const taken = await run(write(50));
    expect(taken.artifacts).toMatchObject([{ bytes: 52_428_800, type: 'application/octet-stream' }]);
    expect(mostMemoryMb(worker.pid) - before).toBeLessThan(40);
    const hash = createHash('sha256');
    const answer = await fetch(`${worker.url}/executions/${taken.execution_id}/artifacts/large.bin`);
    for await (const chunk of answer.body ?? []) hash.update(chunk);
    expect(hash.digest('hex')).toBe(taken.artifacts?.[0]?.sha256);
    expect(await run(write(61))).toMatchObject({
      status: 'failed',
      failure: { code: 'ARTIFACT_REFUSED', message: expect.stringMatching(/more than 60 MB together/) },
      result: 'returned',
    });
  });

  it('says where code was blocked at its time limit, or that it waited', async () => {
    const blank = '\n'.repeat(14);
    const blocked = await withPlace(() =>
      run({
        workflow_code: `interface A { n: number }${blank}
function spin(a: A): never {
  for (;;) a.n += ${NAP}.length;
}
export default () => spin({ n: 0 });`,
        timeout_seconds: PLACE_LIMIT_SECONDS,
      }),
    );
    expect(blocked.failure?.evidence).toMatchObject({
      blocked_at: { file: '/tmp/bifrost/workspace/inline-code.ts', line: 17, function: 'spin' },
      blocked_stack: expect.stringMatching(/^at spin \(\/tmp\/bifrost\/workspace\/inline-code\.ts:17:\d+\)/),
    });
    expect(blocked.stderr).toBe('');
    const waiting = await run({
      workflow_code: 'export default () => new Promise(() => setInterval(() => {}, 1e6))',
      timeout_seconds: PLACE_LIMIT_SECONDS,
    });
    expect(waiting.failure?.evidence.waiting).toMatch(/never settled.*Timeout/);
    expect(waiting.failure?.evidence.blocked_stack).toBeUndefined();
  });

  it('says where a published module was blocked', async () => {
    const files = {
      'jobs/main.ts': `import { grind } from '../lib/work';\nexport default () => grind(3);\n`,
      'lib/work.ts': `type Load = number;\n${'\n'.repeat(13)}export function grind(load: Load): number {\n  let n = load;\n  for (;;) n += ${NAP}.length;\n}\n`,
    };
    const published = await fetch(`${worker.url}/workspace`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ files }),
    });
    expect(published.status).toBe(200);
    const { failure } = await withPlace(async () =>
      producer.executionResult(
        await producer.submitExecution({
          file_path: 'jobs/main.ts',
          function_name: 'default',
          parameters: {},
          timeout_seconds: PLACE_LIMIT_SECONDS,
        }),
      ),
    );
    expect(failure).toMatchObject({
      code: 'TIMED_OUT',
      evidence: {
        limit: `${PLACE_LIMIT_SECONDS} s of time`,
        blocked_at: { file: '/tmp/bifrost/workspace/lib/work.ts', line: 17, function: 'grind' },
        blocked_stack: expect.stringMatching(
          /^at grind \(\/tmp\/bifrost\/workspace\/lib\/work\.ts:17:\d+\)\nat .*\(\/tmp\/bifrost\/workspace\/jobs\/main\.ts:2:\d+\)/,
        ),
      },
    });
  });

  it.each([false, true])('refuses code the inspector, with capture_locals %p', async (capture) => {
    const result = await run({
      capture_locals: capture,
      workflow_code: `export default async () => {
        const tries = [() => import('node:inspector'), () => process.getBuiltinModule('inspector'), () => import('inspector/promises')];
        return Promise.all(tries.map(async (attempt) => { try { await attempt(); return 'open' } catch (error) { return error.code } }));
      }`,
    });
    expect(result.result).toEqual(['ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED']);
  });
});
