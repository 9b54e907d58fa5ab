import { beforeAll, expect, it } from '@jest/globals';
import type { JobsOptions } from 'bullmq';
import { optionTrouble } from '../../../src/contract/jobs/job-options.js';
import { Jobs, type Submitted } from '../../support/jobs.js';
import { type Producer, useProducers } from '../../support/producer.js';
import { randomOf } from '../../../src/faults/seeded-random.js';
import { useStartCounter } from '../../support/start-counter.js';
import { useRedis } from '../../support/servers/test-redis.js';
import { until } from '../../support/until.js';
import { useWorkers, type WorkerProcess } from '../../support/processes/worker-process.js';

const COMBINATIONS = 200;
/** A failure is repeated by `SEED=… `; another seed tries other combinations. */
const SEED = Number(process.env['SEED'] ?? 20_261_128);

const redis = useRedis();
const starts = useStartCounter();
const makeProducer = useProducers(redis);
const startWorker = useWorkers();
let producer: Producer;
let jobs: Jobs;
let doomed: WorkerProcess;

const start = (id: string): Promise<WorkerProcess> =>
  startWorker({
    env: { REDIS_URL: redis.url, CONCURRENCY: '4', RUNNER_MAX_EXECUTIONS: '0', ...starts.settings },
    args: ['--id', id],
  });

beforeAll(async () => {
  producer = makeProducer();
  jobs = new Jobs(producer, redis.connect(), starts);
  [doomed] = await Promise.all([start('doomed'), start('survivor')]);
});

const random = randomOf(SEED);
const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

const BODIES = [
  'return 1;',
  `throw new Error('no');`,
  `if (context.attempt < 2) throw new Error('once'); return 2;`,
  `throw Object.assign(new Error('final'), { retryable: false });`,
  `await new Promise((resolve) => setTimeout(resolve, 30)); return 3;`,
];
const keep = [undefined, true, false, 0, 5, { age: 60 }, { count: 3 }, { count: 'all' }, 'yes'];
const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  attempts: [undefined, 0, 1, 2, 3, 4, -1, 1.5, 'many', 1e9, null],
  backoff: [
    undefined,
    0,
    20,
    'exponential',
    { type: 'fixed', delay: 10 },
    { type: 'linear', delay: 10 },
    { type: 'exponential', delay: 5, jitter: 0.5 },
    { type: 'exponential' },
    { type: 'custom' },
    { type: 'toString', delay: 1 },
    { type: 'fixed', delay: 'soon' },
    { delay: 5 },
  ],
  delay: [undefined, undefined, 0, 50],
  priority: [undefined, undefined, 1, 9],
  lifo: [undefined, true],
  removeOnComplete: keep,
  removeOnFail: keep,
  keepLogs: [undefined, 0, 2],
  stackTraceLimit: [undefined, 0, 1],
};

const anOption = (name: string): JobsOptions =>
  random() < 0.5 ? { [name]: oneOf(CHOICES[name] as readonly unknown[]) } : {};
const someOptions = (): JobsOptions =>
  Object.assign({}, ...Object.keys(CHOICES).map(anOption)) as JobsOptions;

it(`runs no code more often than attempts and lost workers allow, in ${COMBINATIONS} combinations of options (seed ${SEED})`, async () => {
  const all: (Submitted & { options: JobsOptions })[] = [];
  for (let n = 0; n < COMBINATIONS; n++) {
    const options = someOptions();
    all.push({ ...(await jobs.submit(oneOf(BODIES), options)), options });
  }
  await until(() => producer.received.length >= COMBINATIONS / 4, {
    timeoutMs: 300_000,
    what: 'a quarter has ended',
  });
  await doomed.kill9();
  for (const { id, job, options } of all) {
    const result = await jobs.ended(id);
    // What is stored is what counts: JSON has no undefined.
    const trouble = optionTrouble(JSON.parse(JSON.stringify(options)) as object);
    const allowed = trouble ? 0 : Math.max(1, options.attempts ?? 1) + 1;
    expect({ id, options, starts: starts.of(id) <= allowed }).toEqual({ id, options, starts: true });
    if (trouble)
      expect(result).toMatchObject({ failure: { code: 'INVALID_JOB', evidence: { field: trouble.field } } });
    await until(async () => ENDED.has(await producer.queue.getJobState(job.id as string)), {
      timeoutMs: 150_000,
      what: `job ${job.id} has ended; its options are ${JSON.stringify(options)}`,
    });
  }
  expect(all.filter(({ id }) => producer.resultsOf(id).length !== 1)).toEqual([]);
}, 900_000);

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'unknown']);
