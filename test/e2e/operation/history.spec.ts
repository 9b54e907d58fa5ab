import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rmSync } from 'node:fs';
import { EXECUTION_STATUSES } from '../../../src/contract/failure.js';
import type { HistoryPage, Statistics } from '../../../src/contract/history.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { emptyFolder } from '../../support/archive-parts.js';
import { aContext } from '../../support/builders.js';
import { type CommandResult, startCommand } from '../../support/processes/command.js';
import { useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

// One worker with every role and no database of its own, as `npm start` has it.
const redis = useRedis();
const startWorker = useWorkers();
const makeProducer = useProducers(redis);
let folder = '';
let worker: WorkerProcess;

const start = (): Promise<WorkerProcess> =>
  startWorker({
    env: { REDIS_URL: redis.url, ARCHIVE_DIR: folder, ROLES: '', CONCURRENCY: '2' },
    args: ['--id', 'w1'],
  });

beforeAll(async () => {
  folder = await emptyFolder();
  worker = await start();
  const producer = makeProducer();
  const failing = { workflow_code: 'export default () => { throw new RangeError("out of luck") }' };
  const caller = { user_id: 'u1', email: 'ada@example.org', name: 'Ada' };
  await producer.submitExecution(
    aContext({ workflow_id: 'good', parameters: { n: 1 }, tags: ['t'] }),
    'good-1',
  );
  await producer.submitExecution(aContext({ workflow_id: 'bad', caller, ...failing }), 'bad-1');
  await Promise.all(['good-1', 'bad-1'].map((id) => producer.executionResult(id)));
  // By the API: each command is a process.
  const listed = async (): Promise<HistoryPage> =>
    (await (
      await fetch(`${worker.url}/executions?status=${EXECUTION_STATUSES.join()}`)
    ).json()) as HistoryPage;
  await until(async () => (await listed()).executions.length === 2, {
    what: 'both executions are in the history',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bifrost = (...args: string[]): Promise<CommandResult> =>
  startCommand(args, { BIFROST_URL: worker.url }).ended;
const page = async (...args: string[]): Promise<HistoryPage> => {
  const { code, stdout, stderr } = await bifrost('history', '--json', ...args);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as HistoryPage;
};

describe('bifrost history', () => {
  it('lists what has ended, for people', async () => {
    const { code, stdout } = await bifrost('history');
    expect(code).toBe(0);
    expect(stdout).toMatch(/FINISHED +ID +STATUS +DURATION +WORKFLOW +CALLER +ERROR/);
    expect(stdout).toMatch(/bad-1 +failed .*bad +ada@example.org +USER_ERROR out of luck/);
  });

  it('narrows it', async () => {
    const found = await page('--status', 'failed', '--since', '1h', '--text', 'LUCK', '--caller', 'u1');
    expect(found.executions.map((execution) => execution.execution_id)).toEqual(['bad-1']);
    expect(await page('--min-duration', '10m')).toEqual({
      executions: [],
      next_cursor: null,
      history_away: null,
    });
  });

  it('says which option cannot be used', async () => {
    expect(await bifrost('history', '--limit', '1e9')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('limit: must be a whole number from 1 to 500'),
    });
  });
});

describe('bifrost stats', () => {
  it('counts', async () => {
    const { stdout } = await bifrost('stats', '--by', 'status', '--json');
    expect((JSON.parse(stdout) as Statistics).groups).toMatchObject([
      { status: 'failed', executions: 1 },
      { status: 'succeeded', executions: 1 },
    ]);
    expect((await bifrost('stats')).stdout).toMatch(/DAY +WORKFLOW +STATUS +EXECUTIONS +MEAN +P50 +P95/);
  });
});

describe('bifrost export', () => {
  it('writes whole documents as lines, and nothing else where there is no terminal', async () => {
    const { code, stdout, stderr } = await bifrost('export', '--from', '1h');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const documents = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as ExecutionResult);
    expect(documents.find((document) => document.execution_id === 'good-1')).toMatchObject({
      result: { n: 1 },
      workflow_id: 'good',
      tags: ['t'],
    });
    expect(documents).toHaveLength(2);
  });

  it('reports what is wrong before it writes anything', async () => {
    expect(await bifrost('export', '--from', 'someday')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('since: must be a day or a time'),
    });
  });
});

describe('a restart', () => {
  it('keeps the history, also of results that Redis has no more', async () => {
    expect(await worker.stop()).toMatchObject({ code: 0 });
    await redis.connect().flushall();
    worker = await start();
    const found = await until(
      async () => {
        const answer = await fetch(`${worker.url}/executions/good-1`);
        return answer.status === 200 ? ((await answer.json()) as ExecutionResult) : null;
      },
      { what: 'the history is open again' },
    );
    expect(found).toMatchObject({ execution_id: 'good-1', status: 'succeeded', result: { n: 1 } });
    expect((await page()).executions).toHaveLength(2);
  });
});
