import { randomUUID } from 'node:crypto';
import { Queue } from 'bullmq';
import { resultQueueName } from '../../../src/contract/jobs/job.js';
import type { ExecutionResult } from '../../../src/contract/result.js';
import type { RedisClient } from '../../../src/redis/connections.js';
import { RedisKeys } from '../../../src/redis/keys.js';
import { settingsOf } from '../parts.js';
import { type DeathPlan, Mortality } from '../servers/mortal-redis.js';
import type { TestRedis } from '../servers/test-redis.js';
import { SmallWorker } from './small-worker.js';
import { until } from '../until.js';

/** How executions end. */
export type Way = 'at once' | 'by separate commands';

/** What one execution came to, over which one worker died. */
export interface Aftermath {
  /** Commands that the first worker sent for it, as far as it lived. */
  sent: readonly string[];
  died: boolean;
  /** What does not hold of what is promised; empty: all holds. */
  faults: string[];
}

/**
 * Has one execution carried out by a worker that dies as planned, and then, if need be, by a second one; and looks at what
 * both have left.
 * @param plan null: nobody dies
 */
export async function surviveDeath(redis: TestRedis, way: Way, plan: DeathPlan | null): Promise<Aftermath> {
  const settings = settingsOf({ KEY_PREFIX: `${randomUUID()}:`, QUEUE_NAME: 'work' });
  const keys = new RedisKeys(settings.KEY_PREFIX);
  const client = redis.connect();
  const queueOf = (name: string, connection: RedisClient): Queue => {
    const queue = new Queue(name, { connection, prefix: `${settings.KEY_PREFIX}bull` });
    queue.on('error', () => undefined);
    return queue;
  };
  const dead = new Set<string>();
  let starts = 0;
  const mortality = new Mortality(plan);
  const own = mortality.holds(redis.connect());
  const workers: SmallWorker[] = [];
  const begin = async (connection: RedisClient, owner: string, onDelivery = (): void => undefined) => {
    const worker = new SmallWorker({
      client: connection,
      settings,
      workQueue: queueOf('work', connection),
      resultQueue: queueOf(resultQueueName('work'), connection),
      lease: { owner, isDead: (other) => Promise.resolve(dead.has(other)) },
      code: () => ({ n: (starts += 1) }),
      onDelivery,
      atOnce: way === 'at once',
    });
    workers.push(worker);
    await worker.run({ atOnce: way === 'at once' });
    return worker;
  };
  const [workQueue, results] = [queueOf('work', client), queueOf(resultQueueName('work'), client)];
  await client.set(keys.context('e-1'), CONTEXT);
  const job = await workQueue.add('execute', { execution_id: 'e-1' }, { jobId: 'job-1' });
  const first = await begin(own, 'first', () => mortality.arm());
  const completed = new Promise<void>((resolve) => first.worker.on('completed', () => resolve()));
  await Promise.race([completed, mortality.whenDead]);
  mortality.disarm();
  if (mortality.isDead) {
    dead.add('first');
    await begin(redis.connect(), 'second');
  }
  await until(async () => (await job.getState()) === 'completed', { what: 'the job is completed' });
  await until(async () => (await client.hget(keys.ledger('e-1'), 'published')) === '1', {
    what: 'the result is marked as published',
  });
  const faults = await faultsOf({ client, keys, workQueue, results, starts });
  const died = mortality.isDead;
  // What is left of it in this process has to end too.
  mortality.bury();
  for (const worker of workers) await worker.close();
  return { sent: mortality.sent, died, faults };
}

const CONTEXT = JSON.stringify({ workflow_code: 'the code is a function of the test', function_name: 'f' });

interface Left {
  client: RedisClient;
  keys: RedisKeys;
  workQueue: Queue;
  results: Queue;
  /** How often the code was started. */
  starts: number;
}

async function faultsOf({ client, keys, workQueue, results, starts }: Left): Promise<string[]> {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  const text = (await client.get(keys.result('e-1'))) ?? 'null';
  const document = JSON.parse(text) as ExecutionResult | null;
  expect(document?.status === 'succeeded', `the result is ${document?.status}`);
  // One that was taken and never started may be told of.
  expect((document?.starts ?? 0) >= starts, `${starts} starts, and the result tells of ${document?.starts}`);
  expect(starts <= 2, `the code was started ${starts} times`);
  const jobs = await results.getJobs();
  expect(jobs.length === 1, `${jobs.length} jobs on the result queue`);
  expect(JSON.stringify(jobs[0]?.data) === text, 'the result queue has another document');
  const job = await workQueue.getJob('job-1');
  expect(
    JSON.stringify(job?.returnvalue) === JSON.stringify(document?.result),
    'the job ended with another value',
  );
  expect((await client.hget(keys.ledger('e-1'), 'owner')) === '', 'the execution keeps an owner');
  const feed = (await client.xrange(keys.archiveFeed(), '-', '+')).map(([, fields]) => fields[3]);
  expect(feed.length > 0 && feed.every((each) => each === text), 'the feed has another document');
  expect((await client.zscore(keys.archiveWaiting(), 'e-1')) !== null, 'the archive does not wait for it');
  const log = (await client.xrange(keys.logs('e-1'), '-', '+')).map(([, fields]) => fields[1]);
  expect(log.at(-1) === 'end' && log.indexOf('end') === log.length - 1, `the log is ${log.join()}`);
  const active = await workQueue.getActiveCount();
  expect(active === 0, `${active} jobs stay active`);
  return faults;
}

/** Every place at which a worker may die over an execution that sends so many commands. */
export const deathsOver = (commands: number): DeathPlan[] =>
  Array.from({ length: commands }, (_, index) => [
    { at: index + 1, after: false },
    { at: index + 1, after: true },
  ]).flat();
