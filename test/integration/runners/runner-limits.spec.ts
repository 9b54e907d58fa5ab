import { beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { WorkerRecord } from '../../../src/contract/worker-record.js';
import { aContext } from '../../support/builders.js';
import { startGate } from '../../support/servers/gate.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);

const LIMITS = {
  MEMORY_LIMIT_MB: '256',
  FILE_SIZE_LIMIT_MB: '8',
  OPEN_FILES_LIMIT: '128',
  OUTPUT_LIMIT_BYTES: '100000',
};

/** Of workers of their own: what it takes to exceed another limit uses CPU time too, how much is the machine's. */
const CPU_LIMIT = { CPU_LIMIT_SECONDS: '1' };
const CPU_LIMIT_NAME = '1 s of CPU time';

type Breach = [what: string, code: string, failure: string, limit: string];

/** How an execution that uses more CPU time than it may must end, whatever kind of process carries it out. */
const CPU_BREACHES: Breach[] = [
  ['CPU time in a loop', 'export default () => { for (;;); }', 'TIMED_OUT', CPU_LIMIT_NAME],
  [
    'CPU time in many short turns',
    'export default () => new Promise(() => setInterval(() => { const end = Date.now() + 10; while (Date.now() < end); }, 1))',
    'TIMED_OUT',
    CPU_LIMIT_NAME,
  ],
  [
    'CPU time in a native call',
    `import { pbkdf2Sync } from 'node:crypto'; export default () => pbkdf2Sync('x', 'y', 1e9, 64, 'sha512').length`,
    'TIMED_OUT',
    CPU_LIMIT_NAME,
  ],
];

/** The same of the other limits. */
const BREACHES: Breach[] = [
  ['time', 'export default () => new Promise(() => setInterval(() => {}, 1000))', 'TIMED_OUT', '1 s of time'],
  [
    'memory by the heap',
    'export default () => { const all = []; for (;;) all.push(new Array(1e4).fill({})) }',
    'OUT_OF_MEMORY',
    '256 MB of memory',
  ],
  [
    'memory by buffers',
    'export default () => { const all = []; for (;;) all.push(Buffer.alloc(1e7, 1)) }',
    'OUT_OF_MEMORY',
    '256 MB of memory',
  ],
  [
    'memory by one array buffer',
    'export default () => new Uint8Array(1e9).fill(1).length',
    'OUT_OF_MEMORY',
    '256 MB of memory',
  ],
  [
    'memory by WebAssembly',
    'export default () => { const all = []; for (;;) { const m = new WebAssembly.Memory({ initial: 160 }); new Uint8Array(m.buffer).fill(1); all.push(m); } }',
    'OUT_OF_MEMORY',
    '256 MB of memory',
  ],
  [
    'output',
    'export default () => { for (;;) console.log("x".repeat(1e4)) }',
    'OUTPUT_LIMIT',
    '100000 bytes of output kept',
  ],
  [
    'the returned value',
    'export default () => "x".repeat(1e6)',
    'OUTPUT_LIMIT',
    '100000 bytes of a returned value',
  ],
  [
    'the size of a file',
    `import fs from 'node:fs'; export default () => { for (;;) fs.appendFileSync('big', Buffer.alloc(1e6)) }`,
    'OUTPUT_LIMIT',
    '8 MB in one file',
  ],
  [
    'open files',
    `import fs from 'node:fs'; export default () => { fs.writeFileSync('f', ''); const all = []; for (;;) all.push(fs.openSync('f')) }`,
    'USER_ERROR',
    '128 open files',
  ],
  [
    'processes',
    `import { spawn } from 'node:child_process'; export default () => { spawn('true') }`,
    'USER_ERROR',
    'no processes or threads of its own',
  ],
  [
    'threads',
    `import { Worker } from 'node:worker_threads'; export default () => { new Worker('1', { eval: true }) }`,
    'USER_ERROR',
    'no processes or threads of its own',
  ],
];

/** What differs when a process has a past. */
const ABOUT_REUSE = /CPU time in (a loop|a native)|buffers|size of a file/;
const ofReuse = (breaches: Breach[]): Breach[] => breaches.filter(([what]) => ABOUT_REUSE.test(what));
const REUSED = { RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', RUNNER_MAX_EXECUTIONS: '0' };

const limitsOf = (pid: number): string => readFileSync(`/proc/${pid}/limits`, 'utf8');

describe.each([
  ['single-use', { RUNNER_START: 'spawn' }, BREACHES],
  ['forked', { RUNNER_START: 'fork', ISOLATION: 'namespace' }, BREACHES],
  ['single-use, of CPU time', { RUNNER_START: 'spawn', ...CPU_LIMIT }, CPU_BREACHES],
  ['reused', REUSED, ofReuse(BREACHES)],
  ['forked, of CPU time', { RUNNER_START: 'fork', ISOLATION: 'namespace', ...CPU_LIMIT }, CPU_BREACHES],
  ['reused, of CPU time', { ...REUSED, ...CPU_LIMIT }, ofReuse(CPU_BREACHES)],
])('the limits of a process (%s)', (title, env, breaches) => {
  const startWorker = useWorkers();
  const kind = title.replaceAll(/\W+/g, '-');
  let producer: Producer;
  let worker: WorkerProcess;
  const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
    producer.executionResult(await producer.submitExecution(aContext(changes)));

  beforeAll(async () => {
    producer = makeProducer({ queueName: kind });
    worker = await startWorker({
      env: { REDIS_URL: redis.url, QUEUE_NAME: kind, WORKER_ID: kind, CONCURRENCY: '1', ...LIMITS, ...env },
    });
  });

  it.each(breaches)(
    'end an execution beyond %s with its code and the name of the limit',
    async (_what, code, failure, limit) => {
      const timeout_seconds = limit === '1 s of time' ? 1 : 600;
      const result = await run({ workflow_code: code, timeout_seconds });
      expect([result.failure?.code, result.failure?.evidence.limit]).toEqual([failure, limit]);
      expect(result.failure?.evidence.memory_samples_mb ?? []).not.toContain(null);
      expect((await run({ workflow_code: 'export default () => "next"' })).result).toBe('next');
    },
  );

  it('are those of one execution: what the earlier ones used does not count', async () => {
    const busy =
      'const used = () => { const { user, system } = process.cpuUsage(); return user + system }; export default () => { const from = used(); while (used() - from < 3e5); return 1 }';
    const prints = 'export default () => { console.log("x".repeat(60_000)); return 1 }';
    // So many times are more than one execution may.
    const [code, times] = 'CPU_LIMIT_SECONDS' in env ? [busy, 4] : [prints, 2];
    for (let i = 0; i < times; i++)
      expect(await run({ workflow_code: code })).toMatchObject({ error: null, result: 1 });
  });

  it('hold in the kernel before any code arrives', async () => {
    const limits = await until(
      async () => {
        const { workers } = (await (await fetch(`${worker.url}/workers`)).json()) as {
          workers: WorkerRecord[];
        };
        const own = workers.find(({ id }) => id === kind);
        return limitsOf(own?.runners.find(({ state }) => state === 'ACTIVE')?.pid as number);
      },
      { what: 'a spare that lives' },
    );
    expect(limits).toMatch(/^Max core file size +0 +0 /m);
    expect(limits).toMatch(/^Max file size +8388608 +8388608 /m);
    expect(limits).toMatch(/^Max open files +128 +128 /m);
    expect(limits).toMatch(/^Max data size +\d+ +\d+ /m);
  });
});

describe('the limits of a thread', () => {
  const startWorker = useWorkers();
  it('end one that uses too much CPU time, and leave its neighbours alone', async () => {
    const producer = makeProducer({ queueName: 'threads' });
    await startWorker({
      env: {
        REDIS_URL: redis.url,
        QUEUE_NAME: 'threads',
        RUNNER: 'thread',
        TRUSTED_CODE: 'true',
        RUNNER_THREADS: '2',
        CONCURRENCY: '2',
        ...LIMITS,
        ...CPU_LIMIT,
      },
    });
    const gate = await startGate();
    const run = async (workflow_code: string): Promise<ExecutionResult> =>
      producer.executionResult(
        await producer.submitExecution(aContext({ workflow_code, timeout_seconds: 600 })),
      );
    const host = (await run('export default () => process.pid')).result;
    const sleeper = run(`export default async () => { await fetch('${gate.url}'); return process.pid }`);
    await until(() => gate.waiting === 1, { what: 'the neighbour runs' });
    const spinner = await run(`export function spin() {
  for (;;);
}
export default () => spin();`);
    expect(spinner.failure).toMatchObject({
      code: 'TIMED_OUT',
      evidence: { limit: CPU_LIMIT_NAME, blocked_at: { line: 2, function: 'spin' } },
    });
    expect(spinner.metrics['user_time_seconds']).toBeGreaterThan(0.6);
    gate.open();
    expect((await sleeper).result).toBe(host);
    await gate.close();
    const file = await run(
      `import fs from 'node:fs'; export default () => { for (;;) fs.appendFileSync('big', Buffer.alloc(1e6)) }`,
    );
    expect(file.failure).toMatchObject({ code: 'OUTPUT_LIMIT', evidence: { limit: '8 MB in one file' } });
  });
});
