import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executionJob, signedTask } from '../../../src/contract/jobs/signature.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { aContext, aTask } from '../../support/builders.js';
import { startCommand } from '../../support/processes/command.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const [NEW, OLD] = ['n'.repeat(32), 'o'.repeat(32)];

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let worker: WorkerProcess;

beforeAll(async () => {
  producer = makeProducer();
  worker = await startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '2', JOB_SIGNING_KEY: `${NEW},${OLD}` },
  });
});

/** Stores the context and adds what `job` makes of it. */
async function run(
  job: (id: string, document: string) => object,
  stored: (document: string) => string = (document) => document,
): Promise<ExecutionResult> {
  const id = randomUUID();
  const document = JSON.stringify(aContext({ workflow_code: 'export default () => "rün"' }));
  await redis.connect().set(`bifrost:exec:${id}:context`, stored(document), 'EX', 60);
  await producer.submitRaw(job(id, document));
  return producer.executionResult(id);
}

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

describe('a worker with JOB_SIGNING_KEY', () => {
  it.each([NEW, OLD])('runs what one of its keys has signed (%s)', async (key) => {
    expect(await run((id, document) => executionJob(key, id, document, inSeconds(60)))).toMatchObject({
      result: 'rün',
    });
    const task = aTask();
    await producer.submitTask(signedTask(key, task));
    expect((await producer.taskResult(task.taskId)).result?.stdout).toBe('4\n');
  });

  it.each<[string, (id: string, document: string) => object, ((document: string) => string)?]>([
    ['without a signature', (id) => ({ execution_id: id })],
    ['with the signature of another key', (id, document) => executionJob('x'.repeat(32), id, document)],
    ['of another execution', (id, document) => ({ ...executionJob(NEW, 'e-1', document), execution_id: id })],
    [
      'whose context was changed',
      (id, document) => executionJob(NEW, id, document),
      (document) => document.replace('rün', 'changed'),
    ],
    ['that is too old', (id, document) => executionJob(NEW, id, document, inSeconds(-5))],
    [
      'whose time was put off',
      (id, document) => ({ ...executionJob(NEW, id, document, inSeconds(-5)), valid_until: inSeconds(60) }),
    ],
  ])('refuses an execution %s', async (_what, job, stored = (document: string) => document) => {
    const result = await run(job, stored);
    expect(result).toMatchObject({ status: 'failed', failure: { code: 'INVALID_JOB' }, stdout: '' });
    expect(['signature', 'valid_until']).toContain(result.failure?.evidence.field);
  });

  it('refuses a task without a signature, or with changed code', async () => {
    const bare = aTask();
    await producer.submitTask(bare);
    expect((await producer.taskResult(bare.taskId)).errorMessage).toMatch(/not signed/);
    const changed = signedTask(NEW, aTask());
    await producer.submitTask({ ...changed, code: 'console.log(5)' });
    expect((await producer.taskResult(changed.taskId)).errorMessage).toMatch(/fits none of the keys/);
  });

  it('runs what its API was given, and what "bifrost sign" has signed', async () => {
    const response = await fetch(`${worker.url}/executions?wait=90`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ workflow_code: 'export default () => 7', function_name: 'default' }),
    });
    expect(await response.json()).toMatchObject({ result: 7 });
    const folder = mkdtempSync(join(tmpdir(), 'bifrost-sign-'));
    redis.onDispose(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'context.json');
    const id = randomUUID();
    const document = JSON.stringify(aContext(), null, 2);
    writeFileSync(file, document);
    await redis.connect().set(`bifrost:exec:${id}:context`, document, 'EX', 60);
    const { stdout } = await startCommand(['sign', file, '--id', id], { JOB_SIGNING_KEY: OLD }).ended;
    await producer.submitRaw(JSON.parse(stdout));
    expect(await producer.executionResult(id)).toMatchObject({ status: 'succeeded' });
  });
});
