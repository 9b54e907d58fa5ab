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

/** Two executions: the first ends in one command with the take of the second. */
const IDS = ['e-1', 'e-2'] as const;

/** What executions came to, over which one worker died. */
export interface Aftermath {
  /** Commands that the first worker sent for them, as far as it lived. */
  sent: readonly string[];
  died: boolean;
  /** What does not hold of what is promised; empty: all holds. */
  faults: string[];
}

/**
 * Has two executions carried out by a worker that dies as planned, and then, if need be, by a second one; and looks at what
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
  const starts = new Map<string, number>();
  const mortality = new Mortality(plan);
  const own = mortality.holds(redis.connect());
  const workers: SmallWorker[] = [];
  const begin = async (connection: RedisClient, owner: string, before = (): void => undefined) => {
    const worker = new SmallWorker({
      client: connection,
      settings,
      workQueue: queueOf('work', connection),
      resultQueue: queueOf(resultQueueName('work'), connection),
      lease: { owner, isDead: (other) => Promise.resolve(dead.has(other)) },
      code: ({ id }) => {
        const n = (starts.get(id) ?? 0) + 1;
        starts.set(id, n);
        return { n };
      },
      atOnce: way === 'at once',
    });
    workers.push(worker);
    await worker.run({ atOnce: way === 'at once', before });
    return worker;
  };
  const [workQueue, results] = [queueOf('work', client), queueOf(resultQueueName('work'), client)];
  for (const id of IDS) {
    await client.set(keys.context(id), CONTEXT);
    await workQueue.add('execute', { execution_id: id }, { jobId: `job-${id}` });
  }
  const first = await begin(own, 'first', () => mortality.arm());
  let left = IDS.length;
  const completed = new Promise<void>((resolve) =>
    first.worker.on('completed', () => {
      left -= 1;
      if (left === 0) resolve();
    }),
  );
  await Promise.race([completed, mortality.whenDead]);
  mortality.disarm();
  if (mortality.isDead) {
    dead.add('first');
    await begin(redis.connect(), 'second');
  }
  const faults: string[] = [];
  for (const id of IDS) {
    await until(async () => (await workQueue.getJobState(`job-${id}`)) === 'completed', {
      what: `the job of ${id} is completed`,
    });
    await until(async () => (await client.hget(keys.ledger(id), 'published')) === '1', {
      what: `the result of ${id} is marked as published`,
    });
  }
  for (const id of IDS) {
    const found = await faultsOf(id, { client, keys, workQueue, results, starts: starts.get(id) ?? 0 });
    faults.push(...found.map((fault) => `${id}: ${fault}`));
  }
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

async function faultsOf(id: string, { client, keys, workQueue, results, starts }: Left): Promise<string[]> {
  const faults: string[] = [];
  const expect = (holds: boolean, fault: string): void => void (holds || faults.push(fault));
  const text = (await client.get(keys.result(id))) ?? 'null';
  const document = JSON.parse(text) as ExecutionResult | null;
  expect(document?.status === 'succeeded', `the result is ${document?.status}`);
  // One that was taken and never started may be told of.
  expect((document?.starts ?? 0) >= starts, `${starts} starts, and the result tells of ${document?.starts}`);
  expect(starts <= 2, `the code was started ${starts} times`);
  const jobs = (await results.getJobs()).filter(({ data }) => (data as ExecutionResult).execution_id === id);
  expect(jobs.length === 1, `${jobs.length} jobs on the result queue`);
  expect(JSON.stringify(jobs[0]?.data) === text, 'the result queue has another document');
  const job = await workQueue.getJob(`job-${id}`);
  expect(
    JSON.stringify(job?.returnvalue) === JSON.stringify(document?.result),
    'the job ended with another value',
  );
  expect((await client.hget(keys.ledger(id), 'owner')) === '', 'the execution keeps an owner');
  const feed = (await client.xrange(keys.archiveFeed(), '-', '+')).flatMap(([, fields]) =>
    fields[1] === id ? [fields[3]] : [],
  );
  expect(feed.length > 0 && feed.every((each) => each === text), 'the feed has another document');
  expect((await client.zscore(keys.archiveWaiting(), id)) !== null, 'the archive does not wait for it');
  const log = (await client.xrange(keys.logs(id), '-', '+')).map(([, fields]) => fields[1]);
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
