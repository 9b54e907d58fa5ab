import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { ExecutionContext } from '../../../src/contract/context.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { VALUES, type ValueRow } from '../../like-node/rows/values.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const REUSE = { RUNNER_MAX_EXECUTIONS: '50', RUNNER_REUSE_WITHOUT_ORGANIZATION: 'true' };
const redis = useRedis();
const makeProducer = useProducers(redis);

describe.each([
  ['process', {}],
  ['reused process', { ...REUSE, ISOLATION: 'process' }],
  ['thread', { ...REUSE, RUNNER: 'thread', TRUSTED_CODE: 'true', RUNNER_THREADS: '2' }],
])('code on a runner of the kind %s', (kind, env) => {
  const startWorker = useWorkers();
  const results = new Map<ValueRow, Promise<ExecutionResult>>();
  let producer: Producer;
  let worker: WorkerProcess;
  const run = async (changes: Partial<ExecutionContext>): Promise<ExecutionResult> => {
    const id = await producer.submitExecution(aContext(changes), randomUUID());
    return producer.executionResult(id);
  };

  beforeAll(async () => {
    const queueName = kind.replaceAll(' ', '-');
    producer = makeProducer({ queueName });
    worker = await startWorker({
      env: { REDIS_URL: redis.url, QUEUE_NAME: queueName, CONCURRENCY: '3', ...env },
    });
    for (const row of VALUES)
      results.set(
        row,
        run({ workflow_code: row.code, function_name: row.call ?? null, parameters: { n: 41 } }),
      );
  });

  it.each(VALUES.map((row) => [row.name, row] as const))(
    'gives what it should: %s',
    async (_name, { gives, ...row }) => {
      const result = await (results.get(
        VALUES.find(({ name }) => name === row.name) as ValueRow,
      ) as Promise<ExecutionResult>);
      if ('result' in gives) {
        expect([result.error, result.result]).toEqual([null, gives.result]);
        return;
      }
      expect(result.failure?.code).toBe(gives.failure);
      expect(result.error).toMatch(gives.message);
    },
  );

  it('says what an error holds', async () => {
    const result = await run({
      workflow_code: `export default async () => {
        const cause = Object.assign(new Error('why'), { status: 500 });
        throw Object.assign(new AggregateError([new TypeError('one')], 'duplicate key', { cause }), { code: '23505', token: 'abc' });
      }`,
    });
    expect(result.failure?.evidence.error).toMatchObject({
      fields: { code: '23505', token: '<redacted>' },
      cause: { name: 'Error', message: 'why', fields: { status: 500 } },
      errors: [{ name: 'TypeError', message: 'one', stack: expect.stringMatching(/inline-code\.ts:3:/) }],
    });
    expect(result.failure?.stack).toMatch(/code: '23505'[^]*\[cause\]: Error: why/);
    expect(result.failure?.stack).not.toContain('bifrost-runtime');
  });

  it('says in which line a name is imported that the module does not export', async () => {
    const code =
      'interface A {\n  a: string;\n}\n\nimport { none } from "node:fs";\nexport default () => none';
    const result = await run({ workflow_code: code });
    expect(result.failure?.stack).toMatch(
      /^file:\/\/[^?\n]*\/inline-code\.ts:5\nimport \{ none \} from "node:fs";\n {9}\^{4}\nSyntaxError: /,
    );
  });

  it('ends a promise that cannot settle at once and with the code of Node', async () => {
    const result = await run({ workflow_code: 'await new Promise(() => {})', function_name: null });
    expect(result).toMatchObject({ status: 'failed', exit_code: 13, error_type: 'UnsettledPromise' });
    expect(result.duration_ms).toBeLessThan(60_000);
  });

  it('waits for a signal that the code listens to', async () => {
    const result = await run({
      workflow_code:
        'export default (_, { signal }) => new Promise((done) => signal.addEventListener("abort", () => done("aborted")))',
      timeout_seconds: 1,
    });
    expect(result.status).toBe('timed_out');
  });

  it('keeps every key and shows no secret', async () => {
    const body = `{
      "workflow_code": "export default (parameters) => ({ text: JSON.stringify(parameters), name: 1, email: 2 })",
      "function_name": "default",
      "secrets": { "DB_USER": "name", "DB_FIELD": "email" },
      "parameters": { "constructor": "ACME", "__proto__": { "a": 1 }, "list": [{ "prototype": 1, "__proto__": 2 }] }
    }`;
    const response = await fetch(`${worker.url}/executions?wait=60`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(await response.json()).toMatchObject({
      result: {
        text: '{"constructor":"ACME","__proto__":{"a":1},"list":[{"prototype":1,"__proto__":2}]}',
        '[redacted]': 1,
        '[redacted] (2)': 2,
      },
    });
  });
});
