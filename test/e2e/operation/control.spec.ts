import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ControlAnswer } from '../../../src/contract/control.js';
import type { RunnerRecord, WorkerRecord } from '../../../src/contract/worker-record.js';
import { aContext } from '../../support/builders.js';
import { type CommandResult, startCommand } from '../../support/processes/command.js';
import { startGate } from '../../support/servers/gate.js';
import { isAlive } from '../../../src/lib/process/is-alive.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers('each test');

const PID = 'export default () => process.pid';
const GATED = 'export default async ({ url }) => { await fetch(url); return process.pid }';

async function open(id: string, env: Record<string, string> = {}) {
  const producer = makeProducer({ queueName: id });
  const worker = await startWorker({
    env: { REDIS_URL: redis.url, QUEUE_NAME: id, WORKER_ID: id, CONCURRENCY: '2', ...env },
  });
  const record = (): Promise<WorkerRecord | undefined> => recordOf(worker, id);
  const untilState = (state: string): Promise<unknown> =>
    until(async () => (await record())?.state === state, { what: `${id} is ${state}` });
  const submit = (workflow_code: string, parameters = {}): Promise<string> =>
    producer.submitExecution(aContext({ workflow_code, parameters }));
  await untilState('ACTIVE');
  return { producer, worker, record, untilState, submit };
}

const recordOf = async (worker: WorkerProcess, id: string): Promise<WorkerRecord | undefined> => {
  const answer = (await (await fetch(`${worker.url}/workers`)).json()) as { workers: WorkerRecord[] };
  return answer.workers.find((one) => one.id === id);
};

const runnersOf = async (worker: WorkerProcess, id: string): Promise<RunnerRecord[]> =>
  (await recordOf(worker, id))?.runners ?? [];

const bifrost = (worker: WorkerProcess, ...args: string[]): Promise<CommandResult> =>
  startCommand(args, { BIFROST_URL: worker.url }).ended;

const post = (worker: WorkerProcess, path: string): Promise<Response> =>
  fetch(`${worker.url}/workers/${path}`, { method: 'POST' });

describe('bifrost workers recycle under load', () => {
  it.each([
    [
      'reused processes',
      { RUNNER_MAX_EXECUTIONS: '0', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true', CONCURRENCY: '3' },
    ],
    [
      'threads',
      {
        RUNNER: 'thread',
        TRUSTED_CODE: 'true',
        RUNNER_THREADS: '2',
        RUNNER_MAX_EXECUTIONS: '0',
        RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true',
        CONCURRENCY: '4',
      },
    ],
    ['single-use processes', { CONCURRENCY: '2' }],
  ])('replaces every runner of %s and fails no execution', async (kind, env) => {
    const id = `load-${kind.replaceAll(' ', '-')}`;
    const { worker, producer, submit } = await open(id, env);
    // As long as that, so that few of them keep all runners busy.
    const code =
      'export default async () => { await new Promise((r) => setTimeout(r, 100)); return process.pid }';
    const first = await Promise.all(Array.from({ length: 10 }, () => submit(code)));
    await Promise.all(first.map((one) => producer.executionResult(one)));
    const loading = new AbortController();
    const load = (async () => {
      const ids: string[] = [];
      while (!loading.signal.aborted) {
        ids.push(await submit(code));
        await Promise.all(ids.slice(-6, -5).map((one) => producer.executionResult(one)));
      }
      return Promise.all(ids.map((one) => producer.executionResult(one)));
    })();
    await until(async () => (await runnersOf(worker, id)).some(({ current }) => current.length > 0), {
      what: 'runners are busy',
    });
    const old = (await runnersOf(worker, id)).map(({ pid }) => pid);
    const { code: exit, stdout } = await bifrost(worker, 'workers', 'recycle', '--id', id);
    expect([exit, stdout]).toEqual([
      0,
      expect.stringMatching(new RegExp(`^${id} +obeyed +\\d+ runners?`, 'm')),
    ]);
    await until(() => old.every((pid) => !isAlive(pid)), { what: 'every runner is replaced' });
    await until(
      async () => {
        const now = await runnersOf(worker, id);
        return now.length > 0 && now.every(({ pid, state }) => state !== 'ACTIVE' || !old.includes(pid));
      },
      { what: 'the record shows new runners' },
    );
    loading.abort();
    const results = await load;
    expect(results.filter(({ success }) => !success)).toEqual([]);
    expect(results.length).toBeGreaterThan(5);
    await worker.stop();
  });
});

describe('an operator', () => {
  it('finds every command of the worker carried out and answered', async () => {
    const { worker, producer, submit, record, untilState } = await open('w1', { NETWORK: 'open' });
    const gate = await startGate();
    try {
      const busy = await submit(GATED, { url: gate.url });
      await until(() => gate.waiting === 1, { what: 'one runs' });

      const paused = await bifrost(worker, 'workers', 'pause', '--id', 'w1');
      expect([paused.code, paused.stdout]).toEqual([
        0,
        expect.stringMatching(/^w1 +obeyed +paused; 1 running$/m),
      ]);
      await untilState('PAUSED');
      const waits = await submit(PID);

      const runner = (await record())?.runners.find(({ current }) => current.length > 0);
      const answer = (await (await post(worker, `w1/recycle?pid=${runner?.pid}`)).json()) as {
        answers: ControlAnswer[];
      };
      expect(answer.answers).toEqual([
        { worker_id: 'w1', obeyed: true, detail: `runner ${runner?.pid} is replaced` },
      ]);
      await until(async () => (await record())?.runners.some(({ state }) => state === 'PENDING_KILL'), {
        what: 'the record shows that it goes',
      });
      gate.open();
      expect(await producer.executionResult(busy)).toMatchObject({ success: true, result: runner?.pid });

      expect(producer.resultsOf(waits)).toEqual([]);
      const resumed = await bifrost(worker, 'workers', 'resume');
      expect(resumed.stdout).toMatch(/^w1 +obeyed +resumed$/m);
      expect((await producer.executionResult(waits)).success).toBe(true);
      expect((await bifrost(worker, 'workers', 'resume', '--json')).stdout).toContain('is active already');
    } finally {
      await gate.close();
    }
    const drained = await bifrost(worker, 'workers', 'drain', '--id', 'w1');
    expect([drained.code, drained.stdout]).toEqual([
      0,
      expect.stringMatching(/^w1 +obeyed +drains and stops/m),
    ]);
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  });

  it('shows which worker did not carry it out, and why', async () => {
    const { worker, untilState } = await open('w2');
    const nobody = await bifrost(worker, 'workers', 'recycle', '--id', 'nobody');
    expect([nobody.code, nobody.stderr]).toEqual([1, 'bifrost: no worker nobody is alive; there are: w2\n']);
    expect((await post(worker, 'nobody/recycle')).status).toBe(404);
    const wrong = await bifrost(worker, 'workers', 'recycle', '--id', 'w2', '--pid', '4000000');
    expect([wrong.code, wrong.stdout]).toEqual([
      1,
      expect.stringMatching(/^w2 +did not +no runner has the pid/m),
    ]);
    expect((await post(worker, 'w2/recycle?pid=x')).status).toBe(400);
    expect((await bifrost(worker, 'workers', 'recycle', '--pid', '-1')).code).toBe(2);
    process.kill(worker.pid, 'SIGSTOP');
    const other = await startWorker({ env: { REDIS_URL: redis.url, QUEUE_NAME: 'w2', WORKER_ID: 'w3' } });
    await until(async () => (await recordOf(other, 'w3'))?.state === 'ACTIVE', { what: 'w3 is active' });
    try {
      const { code, stdout } = await bifrost(other, 'workers', 'pause');
      expect(code).toBe(1);
      expect(stdout).toMatch(/^w2 +did not +no answer within 2 s/m);
      expect(stdout).toMatch(/^w3 +obeyed +paused/m);
    } finally {
      process.kill(worker.pid, 'SIGCONT');
    }
    // What it received while it was frozen it does now.
    await untilState('PAUSED');
    await other.stop();
  });
});

describe('an operator who speaks by Redis', () => {
  const startOne = useWorkers();
  let client: RedisClient;
  let worker: WorkerProcess;
  beforeAll(() => {
    client = redis.connect();
  });
  const say = (text: string): Promise<number> => client.publish('bifrost:worker:w4:control', text);
  const untilState = (state: string): Promise<unknown> =>
    until(
      async () => {
        const record = JSON.parse((await client.get('bifrost:worker:w4')) ?? '{}') as Partial<WorkerRecord>;
        return record.state === state;
      },
      { what: `w4 is ${state}` },
    );

  it('reaches a worker from the moment it shows as active', async () => {
    const started = startOne({ env: { REDIS_URL: redis.url, QUEUE_NAME: 'w4', WORKER_ID: 'w4' } });
    await untilState('ACTIVE');
    expect(await say('{"command":"pause"}')).toBe(1);
    await untilState('PAUSED');
    worker = await started;
  });

  it('finds what cannot be read named in the log, and nothing changed by it', async () => {
    await say('{"command":"resume"}');
    await untilState('ACTIVE');
    const ignored = (): string[] =>
      worker.logs
        .filter(({ msg }) => msg === 'control message ignored')
        .map((line) => String(line['reason']));
    await say('recycle');
    await say('{}');
    await say('{"command":"dance"}');
    await say('{"command":"recycle_runner"}');
    await say('{"command":"recycle_runner","pid":"1"}');
    await until(() => ignored().length === 5, { what: 'five messages are named' });
    expect(ignored()).toEqual([
      expect.stringContaining('message: '),
      expect.stringContaining('command: '),
      expect.stringContaining('command: '),
      expect.stringContaining('pid: must name the process of the runner'),
      expect.stringContaining('pid: '),
    ]);
    expect((await recordOf(worker, 'w4'))?.state).toBe('ACTIVE');
    await say('{"command":"pause"}');
    await untilState('PAUSED');
    await client.publish('bifrost:worker:all:control', '{"command":"shutdown"}');
    expect(await worker.exited).toEqual({ code: 0, signal: null });
  });
});
