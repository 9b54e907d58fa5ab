import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();

let producer: Producer;

beforeAll(async () => {
  producer = makeProducer({ queueName: 'hostile' });
  const env = {
    REDIS_URL: redis.url,
    QUEUE_NAME: 'hostile',
    CONCURRENCY: '2',
    OUTPUT_LIMIT_BYTES: '1000000',
  };
  await startWorker({ env });
});

const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> =>
  producer.executionResult(await producer.submitExecution(aContext(changes)));
const returns = (value: string): Partial<ExecutionContext> => ({
  workflow_code: `export default (parameters, context) => ${value}`,
});
/** Source of a value in this many levels. */
const nested = (depth: number): string =>
  `{ let value = 1; for (let i = 0; i < ${depth}; i++) value = i % 2 ? [value] : { value }; return value; }`;

describe('a value that is nested', () => {
  it.each([1, 99, 100])('%i levels deep is a result', async (depth) => {
    expect(await run(returns(nested(depth)))).toMatchObject({ success: true });
  });

  it.each([101, 1_000, 100_000])('%i levels deep is refused with the limit', async (depth) => {
    const { failure } = await run(returns(nested(depth)));
    expect(failure?.code).toBe('RESULT_NOT_SERIALIZABLE');
    expect(failure?.message).toContain('100 levels');
  });

  it('too deep as parameters is refused, by the name of the field', async () => {
    const parameters = JSON.parse(`{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`) as Record<
      string,
      unknown
    >;
    const { failure } = await run({ parameters });
    expect(failure).toMatchObject({ code: 'INVALID_JOB', evidence: { field: 'parameters' } });
    expect(failure?.message).toContain('100 levels');
  });

  it('too deep in a log entry is shown in its line, without fields', async () => {
    const { success, logs } = await run({
      workflow_code: `export default (_, { logger }) => { let value = 1; for (let i = 0; i < 500; i++) value = [value]; logger.info('deep', { value }) }`,
    });
    expect(success).toBe(true);
    expect(logs[0]?.message).toMatch(/^deep/);
    expect(logs[0]?.fields).toBeUndefined();
  });
});

it('looks for 3,000 secrets that begin alike in a text of that beginning', async () => {
  const names = Array.from({ length: 3_000 }, (_, index) => `aaaa${String(index).padStart(4, '0')}`);
  const { success, stdout } = await run({
    workflow_code: `export default (_, { secrets }) => { console.log('a'.repeat(20_000)); console.log(secrets.aaaa2999) }`,
    secrets: Object.fromEntries(names.map((name) => [name, name])),
  });
  expect(success).toBe(true);
  expect(stdout).toBe(`${'a'.repeat(20_000)}\n[redacted]\n`);
});

it.each([
  ['too many', Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, '1234']))],
  ['too long', { key: 'x'.repeat(70_000) }],
  ['of too many forms', { key: 'ü€'.repeat(15_000) }],
])('refuses secrets that are %s, by the name of the field, before anything runs', async (_what, secrets) => {
  const { failure, stdout } = await run({
    workflow_code: 'console.log("ran")',
    function_name: null,
    secrets,
  });
  expect(failure).toMatchObject({ code: 'INVALID_JOB', evidence: { field: 'secrets' } });
  expect(failure?.message).toMatch(/\d{4,}/);
  expect(stdout).toBe('');
});

it.each([
  'file://evil/node_modules/x.js',
  'file:///%2F/node_modules/x.js',
  'file:///bifrost/%zz',
  'x'.repeat(9_000),
])('reports an error in code that names itself %.40s as any other', async (url) => {
  const { failure } = await run({
    workflow_code: `export default () => (0, eval)('const secret = 1; (() => { throw new Error("named") })()\\n//# sourceURL=${url}')`,
    capture_locals: true,
  });
  expect(failure).toMatchObject({ code: 'USER_ERROR', message: 'named' });
});

it('takes any number of reports of progress, and keeps the last', async () => {
  const { success, progress } = await run({
    workflow_code: `export default (_, { progress }) => { for (let i = 0; i <= 200_000; i++) progress(i / 200_000, 'record ' + i) }`,
  });
  expect(success).toBe(true);
  expect(progress).toEqual({ fraction: 1, message: 'record 200000' });
});

it('ends code that logs large fields without end', async () => {
  const { failure } = await run({
    workflow_code: `export default (_, { logger }) => { for (;;) logger.info('x', { large: 'y'.repeat(16_000) }) }`,
  });
  expect(failure).toMatchObject({ code: 'OUTPUT_LIMIT' });
});
