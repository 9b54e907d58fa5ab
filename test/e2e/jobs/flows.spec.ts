import { beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { type FlowJob, FlowProducer, type Job, type JobsOptions } from 'bullmq';
import type { ExecutionResult } from '../../../src/contract/result.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { aContext } from '../../support/builders.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { REUSED_RUNNERS, useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const redis = useRedis();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
const queueName = 'bifrost-executions';
let producer: Producer;
let worker: WorkerProcess;
let client: RedisClient;
let flows: FlowProducer;

beforeAll(async () => {
  producer = makeProducer();
  client = redis.connect();
  flows = new FlowProducer({ connection: redis.connect() });
  flows.on('error', () => undefined);
  redis.onDispose(() => flows.close());
  worker = await startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '4', ...REUSED_RUNNERS },
    args: ['--id', 'w1'],
  });
});

/** A job of a flow with its context. */
async function aJob(code: string, opts: JobsOptions = {}, children: FlowJob[] = []): Promise<FlowJob> {
  const execution_id = randomUUID();
  const context = aContext({ workflow_code: `export default async (_parameters, context) => { ${code} }` });
  await client.set(new RedisKeys('').context(execution_id), JSON.stringify(context));
  return { name: 'execute', queueName, data: { execution_id }, opts, children };
}
const idOf = (job: FlowJob): string => (job.data as { execution_id: string }).execution_id;
const ended = (job: FlowJob, count = 1): Promise<ExecutionResult> =>
  until(() => producer.resultsOf(idOf(job))[count - 1] as ExecutionResult | undefined, {
    what: `result ${count} of ${idOf(job)}`,
  });
const state = (job: Job, wanted: string): Promise<unknown> =>
  until(async () => (await producer.queue.getJobState(job.id as string)) === wanted, {
    what: `job ${job.id} is ${wanted}`,
  });

const SUM = 'return Object.values(context.children).reduce((sum, n) => sum + n, 0);';

describe('a flow', () => {
  it('gives the values of the children to their parent', async () => {
    const parent = await aJob(SUM, {}, [await aJob('return 4;'), await aJob('return 5;')]);
    const { job } = await flows.add(parent);
    expect(await ended(parent)).toMatchObject({ success: true, result: 9 });
    await state(job, 'completed');
    expect(Object.values(await job.getChildrenValues())).toEqual(expect.arrayContaining([4, 5]));
  });

  it('gives tasks what their children printed', async () => {
    const [taskId, parentId] = [randomUUID(), randomUUID()];
    const child = { name: 'task', queueName, data: { taskId, code: 'console.log("from child")' } };
    await client.set(
      new RedisKeys('').context(parentId),
      JSON.stringify(
        aContext({ workflow_code: 'export default (_p, { children }) => Object.values(children)' }),
      ),
    );
    await flows.add({ name: 'execute', queueName, data: { execution_id: parentId }, children: [child] });
    expect(await producer.executionResult(parentId)).toMatchObject({
      result: [{ stdout: 'from child\n', exitCode: 0 }],
    });
  });

  it('ends a parent that fails because of a child with one result that names the child', async () => {
    const child = await aJob(`throw new Error('lost')`, { failParentOnFailure: true });
    const parent = await aJob(SUM, {}, [child, await aJob('return 1;')]);
    const { job } = await flows.add(parent);
    const result = await ended(parent);
    expect(result).toMatchObject({
      status: 'failed',
      error_type: 'ChildFailed',
      failure: {
        code: 'CHILD_FAILED',
        message: expect.stringContaining(idOf(child)),
        evidence: { child: { execution_id: idOf(child), queue: queueName, error: 'lost' } },
      },
    });
    await state(job, 'failed');
    const found = await fetch(`${worker.url}/executions/${idOf(parent)}`);
    expect(await found.json()).toMatchObject({ status: 'failed' });
    expect(producer.resultsOf(idOf(parent))).toHaveLength(1);
    const metrics = await (await fetch(`${worker.url}/metrics`)).text();
    expect(metrics).toMatch(/ended_without_run_total\{reason="child-failed"\} [1-9]/);
  });

  it('fails parents of parents too, each with its result', async () => {
    const child = await aJob(`throw new Error('deep')`, { failParentOnFailure: true });
    const middle = await aJob(SUM, { failParentOnFailure: true }, [child]);
    const top = await aJob(SUM, {}, [middle]);
    await flows.add(top);
    expect(await ended(top)).toMatchObject({
      failure: { code: 'CHILD_FAILED', evidence: { child: { execution_id: idOf(middle) } } },
    });
    expect(await ended(middle)).toMatchObject({ failure: { code: 'CHILD_FAILED' } });
  });

  it('runs a parent whose child was mended and retried, and not before the child has ended', async () => {
    const child = await aJob(`if (context.run === 1) throw new Error('once'); return 3;`, {
      failParentOnFailure: true,
    });
    const parent = await aJob(SUM, {}, [child]);
    const tree = await flows.add(parent);
    await ended(parent);
    await state(tree.job, 'failed');
    await tree.job.retry('failed');
    // The child is still failed: so is its parent, again.
    expect(await ended(parent, 2)).toMatchObject({ failure: { code: 'CHILD_FAILED' }, run: 2 });
    await state(tree.job, 'failed');
    await producer.queue.pause();
    await tree.children?.[0]?.job.retry('failed');
    await tree.job.retry('failed');
    await producer.queue.resume();
    expect(await ended(parent, 3)).toMatchObject({ success: true, result: 3, run: 3 });
    await state(tree.job, 'completed');
  });

  it.each<[string, JobsOptions, object]>([
    ['ignored', { ignoreDependencyOnFailure: true }, { values: [1], failures: ['no'] }],
    ['removed', { removeDependencyOnFailure: true }, { values: [1], failures: [] }],
    ['passed over', { continueParentOnFailure: true }, { failures: ['no'] }],
  ])('runs a parent although a child failed, where that is to be %s', async (_what, opts, seen) => {
    const see = `return { values: Object.values(context.children), failures: Object.values(context.childFailures) };`;
    const parent = await aJob(see, {}, [await aJob(`throw new Error('no')`, opts), await aJob('return 1;')]);
    await flows.add(parent);
    expect(await ended(parent)).toMatchObject({ success: true, result: seen });
  });

  it('can have a parent on a queue of another program, which gets the value', async () => {
    const child = await aJob('return { n: 1 };');
    const { job } = await flows.add({ name: 'other', queueName: 'somebody-else', children: [child] });
    await ended(child);
    await until(async () => Object.keys(await job.getChildrenValues()).length > 0, { what: 'its value' });
    expect(Object.values(await job.getChildrenValues())).toEqual([{ n: 1 }]);
  });
});
