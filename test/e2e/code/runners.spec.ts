import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkerRecord } from '../../../src/contract/worker-record.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext } from '../../support/builders.js';
import { type Gate, startGate } from '../../support/servers/gate.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

const PID = 'export default () => process.pid';
const ACME = { id: 'acme' };
const THREADS = { RUNNER: 'thread', TRUSTED_CODE: 'true', RUNNER_THREADS: '4', CONCURRENCY: '8' };

const shared = (one: Set<unknown>, other: Set<unknown>): number =>
  [...one].filter((pid) => other.has(pid)).length;

/** A worker with a queue of its own and what is asked of it. */
async function open(queueName: string, env: Record<string, string>) {
  const producer = makeProducer({ queueName });
  const worker = await startWorker({
    env: { REDIS_URL: redis.url, QUEUE_NAME: queueName, WORKER_ID: queueName, ...env },
  });
  const submit = (workflow_code: string, changes = {}): Promise<string> =>
    producer.submitExecution(aContext({ workflow_code, organization: ACME, ...changes }));
  const run = async (code: string, changes = {}): Promise<ExecutionResult> =>
    producer.executionResult(await submit(code, changes));
  return { producer, worker, submit, run };
}

describe('threads', () => {
  let gate: Gate;
  beforeEach(async () => {
    gate = await startGate();
  });
  afterEach(() => gate.close());
  const waitsAt = ({ url }: Gate): string =>
    `export default async () => { await fetch('${url}'); return process.pid }`;

  it('are refused without TRUSTED_CODE, by name', async () => {
    await expect(startWorker({ env: { REDIS_URL: redis.url, RUNNER: 'thread' } })).rejects.toThrow(
      /TRUSTED_CODE: must be true/,
    );
  });

  it('of one host run side by side', async () => {
    const { run } = await open('side', THREADS);
    await run(PID);
    const running = [1, 2, 3, 4].map(() => run(waitsAt(gate)));
    await until(() => gate.waiting === 4, { what: 'all four run' });
    gate.open();
    const results = await Promise.all(running);
    expect(new Set(results.map(({ result }) => result)).size).toBe(1);
  });

  it('one of which is stuck: it is reported at once, neighbours finish, the host is replaced', async () => {
    const { run } = await open('stuck', THREADS);
    const host = (await run(PID)).result as number;
    const neighbours = [1, 2, 3].map(() => run(waitsAt(gate)));
    await until(() => gate.waiting === 3, { what: 'the neighbours run' });
    const stuck = await run(
      `import { pbkdf2Sync } from 'node:crypto'; export default () => pbkdf2Sync('x', 'y', 1e9, 64, 'sha512').length`,
      { timeout_seconds: 3 },
    );
    expect(gate.waiting).toBe(3);
    expect(stuck).toMatchObject({ status: 'timed_out', failure: { evidence: { stuck: true } } });
    const meanwhile = await run(PID);
    expect(meanwhile.success).toBe(true);
    expect(meanwhile.result).not.toBe(host);
    expect(isAlive(host)).toBe(true);
    gate.open();
    expect((await Promise.all(neighbours)).map(({ result }) => result)).toEqual([host, host, host]);
    await until(() => !isAlive(host), { what: 'the host of the stuck thread is gone' });
  });
});

describe('a reused process', () => {
  it('serves as many executions as it may, then another one does, and the record counts them', async () => {
    const { submit, producer, worker } = await open('many', {
      RUNNER_MAX_EXECUTIONS: '10',
      CONCURRENCY: '1',
    });
    const ids = await Promise.all(Array.from({ length: 100 }, () => submit(PID)));
    const results = await Promise.all(ids.map((id) => producer.executionResult(id)));
    expect(new Set(results.map(({ result }) => result)).size).toBe(10);
    const totals = await until(
      async () => {
        const { workers } = (await (await fetch(`${worker.url}/workers`)).json()) as {
          workers: WorkerRecord[];
        };
        const record = workers.find(({ id }) => id === 'many');
        return (record?.runner_totals?.used ?? 0) >= 10 && record?.runner_totals;
      },
      { what: 'the record names all of them' },
    );
    expect(totals).toMatchObject({ used: 10 });
  });

  it('serves executions without an organization where the operator says so', async () => {
    const { run } = await open('no-tenants', {
      RUNNER_MAX_EXECUTIONS: '0',
      CONCURRENCY: '1',
      RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
    });
    const pids = [await run(PID, { organization: null }), await run(PID, { organization: null })];
    expect(pids[0]?.result).toBe(pids[1]?.result);
  });
});

describe('a process that is reused without end', () => {
  let run: Awaited<ReturnType<typeof open>>['run'];
  beforeAll(async () => {
    ({ run } = await open('reused', { RUNNER_MAX_EXECUTIONS: '0', CONCURRENCY: '2' }));
  });

  it('has nothing of the execution before in the memory that code can read', async () => {
    const mark = 'MARK-OF-THE-FIRST';
    const first = await run(
      `export default (parameters, { secrets }) => {
        for (let i = 0; i < 100; i++) console.log(secrets.KEY.toLowerCase());
        Buffer.from(secrets.KEY); performance.mark(secrets.KEY); console.count(secrets.KEY); /M.*/.test(secrets.KEY);
        return process.pid;
      }`,
      { secrets: { KEY: `${mark}-${'x'.repeat(40)}` }, parameters: { text: `${mark}-PARAMETER` } },
    );
    const second = await run(`
      const texts = [];
      const look = (memory) => texts.push(Buffer.prototype.latin1Slice.call(Buffer.from(memory)));
      export default () => {
        texts.push(RegExp.input, RegExp.lastMatch, JSON.stringify(performance.getEntries()), JSON.stringify(process.env));
        for (const key of Object.getOwnPropertySymbols(console)) if (console[key] instanceof Map) texts.push([...console[key].keys()].join());
        look(Buffer.from('ab').buffer); look(Buffer.allocUnsafe(8).buffer);
        for (let size = 32; size <= 1 << 20; size *= 2) for (let i = 0; i < 20; i++) look(Buffer.allocUnsafeSlow(size + i).buffer);
        const found = ['MARK-OF', 'mark-of'].filter((word) => texts.some((text) => text.includes(word + '-the') || text.includes(word + '-THE')));
        return [process.pid, found];
      }`);
    expect([first.error, second.error]).toEqual([null, null]);
    expect(second.result).toEqual([first.result, []]);
  });

  it('never serves two organizations', async () => {
    const pids = { a: new Set(), b: new Set(), none: new Set() };
    for (let i = 0; i < 10; i++) {
      pids.a.add((await run(PID, { organization: { id: 'a' } })).result);
      pids.b.add((await run(PID, { organization: { id: 'b' } })).result);
      pids.none.add((await run(PID, { organization: null })).result);
    }
    expect(shared(pids.a, pids.b) + shared(pids.a, pids.none)).toBe(0);
    expect(shared(pids.b, pids.none)).toBe(0);
    // Executions without an organization may be of different tenants.
    expect(pids.none.size).toBe(10);
  });

  it.each([
    ['a global', 'globalThis.left = 1'],
    ['a timer', 'setInterval(() => {}, 1000).unref()'],
    ['a listener', 'process.on("SIGUSR2", () => {})'],
    ['a patched prototype', 'Array.prototype.left = 1'],
    ['a patched built-in', 'fs.readFileSync = () => "forged"'],
    ['a changed global', 'globalThis.fetch = () => "forged"'],
    ['an exit code', 'process.exitCode = 0'],
  ])('that is left with %s is replaced', async (_what, code) => {
    const clean = [(await run(PID)).result, (await run(PID)).result];
    expect(clean[0]).toBe(clean[1]);
    const dirty = await run(`import fs from 'node:fs'; export default () => { ${code}; return process.pid }`);
    expect(dirty.result).toBe(clean[0]);
    expect((await run(PID)).result).not.toBe(clean[0]);
  });

  it('starts each execution with its own environment, folder and files', async () => {
    const first = await run(
      `import fs from 'node:fs'; export default () => { process.env.LEFT = '1'; fs.mkdirSync('sub'); fs.writeFileSync('sub/file', 'x'); process.chdir('sub'); return process.pid }`,
    );
    const second = await run(
      `import fs from 'node:fs'; export default () => [process.pid, process.env.LEFT ?? null, fs.readdirSync('.')]`,
    );
    expect([first.error, second.error]).toEqual([null, null]);
    expect(second.result).toEqual([first.result, null, []]);
  });
});
