import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JobsOptions } from 'bullmq';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext } from '../../support/builders.js';
import { startCommand } from '../../support/processes/command.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let worker: WorkerProcess;

beforeAll(async () => {
  producer = makeProducer();
  worker = await startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '2', ...REUSED_RUNNERS },
    args: ['--id', 'w1'],
  });
});

const run = async (
  changes: Partial<ExecutionContext>,
  options: JobsOptions = {},
): Promise<ExecutionResult> => {
  const id = await producer.submitExecution(aContext(changes), randomUUID(), options);
  const result = await producer.executionResult(id);
  expect(producer.resultsOf(id)).toHaveLength(1);
  return result;
};

const FAILS_TWICE = `export default (_parameters, { attempt, logger }) => {
  logger.info('attempt ' + attempt);
  if (attempt < 3) throw new RangeError('no ' + attempt);
  return attempt;
}`;

describe('attempts', () => {
  it('are made as often as the job asks, and kept apart', async () => {
    const result = await run({ workflow_code: FAILS_TWICE }, { attempts: 3, backoff: 10 });
    expect(result).toMatchObject({
      status: 'succeeded',
      result: 3,
      attempt: 3,
      logs: [{ message: 'attempt 3' }],
      attempts: [
        {
          attempt: 1,
          status: 'failed',
          worker_id: 'w1',
          error_type: 'RangeError',
          failure: { code: 'USER_ERROR', message: 'no 1' },
          logs: [{ message: 'attempt 1' }],
        },
        { attempt: 2, failure: { message: 'no 2' }, logs: [{ message: 'attempt 2' }] },
        { attempt: 3, status: 'succeeded', failure: null },
      ],
    });
    const [first, second] = result.attempts ?? [];
    expect(Date.parse(first?.started_at ?? '')).toBeLessThan(Date.parse(second?.started_at ?? ''));
  });

  it('are asked for over HTTP', async () => {
    const body = { workflow_code: FAILS_TWICE, function_name: 'default', attempts: 2, backoff: 10 };
    const post = async (changes: object): Promise<Response> =>
      fetch(`${worker.url}/executions?wait=90`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, ...changes }),
      });
    const result = (await (await post({})).json()) as ExecutionResult;
    expect(result).toMatchObject({ status: 'failed', attempt: 2, error: 'no 2' });
    expect(result.attempts).toHaveLength(2);
    const refused = await post({ attempts: 0, backoff: { type: 'odd', delay: 1 } });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      errors: [
        { field: 'attempts', message: 'must be at least 1' },
        { field: 'backoff', message: expect.stringContaining('"exponential"') },
      ],
    });
  });

  it('are made of tasks too', async () => {
    const code = 'throw new Error("not yet")';
    const response = await fetch(`${worker.url}/tasks`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code, attempts: 3, backoff: 10 }),
    });
    expect(response.status).toBe(202);
    const { id } = (await response.json()) as { id: string };
    expect(await producer.taskResult(id)).toMatchObject({ status: 'failed', errorMessage: 'not yet' });
    expect(producer.resultsOf(id)).toHaveLength(1);
    expect(await producer.storedResult(id)).toMatchObject({ attempt: 3, attempts: [{}, {}, {}] });
  });

  it('are asked for on the command line', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'bifrost-test-attempts-')), 'flaky.js');
    redis.onDispose(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(file, FAILS_TWICE);
    const args = ['run', file, '--function', 'default', '--json', '--attempts', '3'];
    const { code, stdout } = await startCommand(args, { BIFROST_URL: worker.url }).ended;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ result: 3, attempt: 3 });
  });

  it.each([
    ['that says so', 'throw Object.assign(new Error("no"), { retryable: false })'],
    ['of that name', 'class UnrecoverableError extends Error {} throw new UnrecoverableError("no")'],
    [
      'nobody caught',
      'setTimeout(() => { throw Object.assign(new Error("no"), { retryable: false }) }); return new Promise(() => {})',
    ],
  ])('are not made after an error %s', async (_what, body) => {
    const result = await run(
      { workflow_code: `export default () => { ${body} }` },
      { attempts: 3, backoff: 10 },
    );
    expect(result).toMatchObject({ attempt: 1, error: 'no', failure: { retryable: false } });
    expect(result.attempts).toBeUndefined();
  });

  it('are not made without being asked for', async () => {
    expect(await run({ workflow_code: FAILS_TWICE })).toMatchObject({ attempt: 1, error: 'no 1' });
  });
});

/** As zod and others make them: https://standardschema.dev */
const SCHEMA = `const schema = {
  '~standard': {
    version: 1, vendor: 'test',
    validate: async ({ count, ...rest }) =>
      Number.isInteger(Number(count))
        ? { value: { ...rest, count: Number(count) } }
        : { issues: [{ message: 'must be a whole number', path: ['count'] }] },
  },
};`;

describe('parameters', () => {
  it.each([
    ['an export', 'export const parameters = schema; export default (given) => given'],
    ['a property', 'const f = (given) => given; f.parameters = schema; export default f'],
    ['CommonJS', 'exports.parameters = schema; exports.default = (given) => given'],
  ])('come as the schema makes them: %s', async (_what, code) => {
    const result = await run({ workflow_code: `${SCHEMA}\n${code}`, parameters: { count: '3', a: 1 } });
    expect(result).toMatchObject({ error: null, result: { count: 3, a: 1 } });
  });

  it('that are wrong end it before its code, naming the field, and are not tried again', async () => {
    const code = `${SCHEMA}\nexport const parameters = schema; export default () => { console.log('called') }`;
    const result = await run(
      { workflow_code: code, parameters: { count: 'many' } },
      { attempts: 3, backoff: 10 },
    );
    expect(result).toMatchObject({
      status: 'failed',
      attempt: 1,
      stdout: '',
      error_type: 'ParametersInvalid',
      error: 'The parameters cannot be used: count: must be a whole number',
      failure: {
        code: 'USER_ERROR',
        evidence: { field: 'count', fields: [{ field: 'count', message: 'must be a whole number' }] },
      },
    });
  });

  it('end with what the schema throws', async () => {
    const code = `export const parameters = { '~standard': { version: 1, validate() { throw new RangeError('broken') } } };
export default () => 1`;
    expect(await run({ workflow_code: code })).toMatchObject({ error_type: 'RangeError', error: 'broken' });
  });
});
