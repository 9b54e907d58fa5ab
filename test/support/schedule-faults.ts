import { Queue } from 'bullmq';
import { resultQueueName } from '../../src/contract/jobs/job.js';
import type { ExecutionResult } from '../../src/contract/result.js';
import type { TaskResult } from '../../src/contract/clients/task-result.js';
import { tickExecutionId, tickOf } from '../../src/contract/jobs/schedule.js';
import { RedisKeys } from '../../src/redis/keys.js';
import { aContext } from './builders.js';
import type { TestRedis } from './servers/test-redis.js';
import { until } from './until.js';
import type { WorkerOptions, WorkerProcess } from './processes/worker-process.js';

/** What came of schedules that ticked through faults. */
export interface ScheduleReport {
  /** Ticks that BullMQ made. */
  ticks: number;
  /** Those with more or fewer than one result on the result queue. */
  notOnce: string[];
  /** Those that did not succeed, with why. */
  failed: string[];
  /** Times at which the schedule that makes up for missed ticks has none, between its first and its last. */
  holes: string[];
}

/** How hard the faults are. */
interface Faults {
  /** Ticks of each schedule between two faults. */
  ticks: number;
  /** All workers are killed, at the same moment, and others started; not only one of two. */
  killsAll?: boolean;
  /** At last a worker is stopped for the time of `ticks`, longer than its leases and locks last, and goes on. */
  freezes?: boolean;
}

const QUEUE = 'bifrost-executions';
const SCHEDULES = ['tasks', 'executions', 'cron', 'complete'] as const;
const EVERY_MS = 1000;

/**
 * Lets four schedulers tick each second over two workers; one of them makes up for missed ticks, one after the other.
 * After `ticks` results workers are killed, after as many more Redis is restarted, after as many more a worker is
 * frozen where that is wanted, and after as many more the schedules end.
 */
export async function scheduleFaults(
  { ticks, killsAll = false, freezes = false }: Faults,
  redis: TestRedis,
  startWorker: (options: WorkerOptions) => Promise<WorkerProcess>,
): Promise<ScheduleReport> {
  const work = openQueue(redis, QUEUE);
  const results = openQueue(redis, resultQueueName(QUEUE));
  const start = (id: string): Promise<WorkerProcess> =>
    startWorker({ env: { REDIS_URL: redis.url, CONCURRENCY: '3' }, args: ['--id', id] });
  const [doomed, other] = await Promise.all([start('doomed'), start('other')]);
  await addSchedules(work, redis);
  let wanted = 0;
  const more = (what: string): Promise<unknown> => {
    wanted += ticks * SCHEDULES.length;
    return until(async () => (await results.getJobCountByTypes('waiting', 'prioritized')) >= wanted, {
      timeoutMs: 60_000 + 20_000 * ticks,
      what: `${wanted} results ${what}`,
    });
  };
  await more('before the fault');
  await Promise.all([doomed.kill9(), ...(killsAll ? [other.kill9()] : [])]);
  const survivor = killsAll ? (await Promise.all([start('third'), start('fourth')]))[0] : other;
  await more('after workers were killed');
  await redis.stop();
  await redis.start();
  await more('after Redis was restarted');
  if (freezes) {
    process.kill(survivor.pid, 'SIGSTOP');
    await more('while a worker was frozen');
    process.kill(survivor.pid, 'SIGCONT');
    await more('after it went on');
  }
  for (const schedule of SCHEDULES) await work.removeJobScheduler(schedule);
  await until(async () => (await work.getJobCountByTypes('wait', 'active', 'delayed', 'prioritized')) === 0, {
    timeoutMs: 180_000,
    what: 'every tick has ended',
  });
  return reportOf(work, results);
}

function openQueue(redis: TestRedis, name: string): Queue {
  const queue = new Queue(name, { connection: redis.connect() });
  queue.on('error', () => undefined);
  redis.onDispose(() => queue.close());
  return queue;
}

async function addSchedules(work: Queue, redis: TestRedis): Promise<void> {
  const context = JSON.stringify(aContext());
  await redis.connect().set(new RedisKeys('').context('shared'), context);
  const data = { taskId: 'tick', code: 'console.log(1)' };
  const task = { name: 'task', data };
  const complete = { name: 'task', data: { ...data, schedule: { missed: 'all', overlap: 'queue' } } };
  const execution = { name: 'execute', data: { execution_id: 'shared' } };
  await work.upsertJobScheduler('tasks', { every: 1000 }, task);
  await work.upsertJobScheduler('executions', { every: 1000 }, execution);
  await work.upsertJobScheduler('complete', { every: EVERY_MS }, complete);
  await work.upsertJobScheduler('cron', { pattern: '* * * * * *', tz: 'America/New_York' }, task);
}

async function reportOf(work: Queue, results: Queue): Promise<ScheduleReport> {
  const made = (await work.getJobs(['completed', 'failed'])).flatMap((job) => {
    const tick = tickOf(job);
    return tick ? [tickExecutionId(tick)] : [];
  });
  const found = new Map<string, (ExecutionResult | TaskResult)[]>();
  for (const { data } of await results.getJobs()) {
    const result = data as ExecutionResult | TaskResult;
    const id = 'taskId' in result ? result.taskId : result.execution_id;
    found.set(id, [...(found.get(id) ?? []), result]);
  }
  const ids = new Set([...made, ...found.keys()]);
  const isGood = ({ status }: ExecutionResult | TaskResult): boolean =>
    status === 'completed' || status === 'succeeded';
  const complete = [...ids]
    .filter((id) => id.startsWith('complete@'))
    .map((id) => Date.parse(id.split('@')[1]!));
  const [first, last] = [Math.min(...complete), Math.max(...complete)];
  const wanted = Array.from({ length: (last - first) / EVERY_MS + 1 }, (_, n) => first + n * EVERY_MS);
  return {
    holes: wanted.filter((due) => !complete.includes(due)).map((due) => new Date(due).toISOString()),
    ticks: made.length,
    notOnce: [...ids].filter((id) => found.get(id)?.length !== 1 || !made.includes(id)),
    failed: [...found].flatMap(([id, all]) =>
      all.every(isGood) ? [] : [`${id}: ${JSON.stringify(all).slice(0, 500)}`],
    ),
  };
}
