// What all peers share: their settings, BullMQ as its documentation configures it for production, and
// the result queue.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Queue, type Job, type JobsOptions, type Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';

const env = (name: string): string => process.env[name] ?? '';
export const queueName = env('QUEUE_NAME');
export const workFolder = env('WORK');
const withResults = env('RESULTS') === '1';
const concurrency = Number(env('CONCURRENCY'));

/** Finished jobs are kept as the product keeps them, so that the same cleaning is done. */
const KEPT = { age: 86_400, count: 10_000 };

/** The job: which work to do, and its argument. */
export interface JobData {
  execution_id: string;
  workload: string;
  parameters: unknown;
}

export const workerOptions = (): WorkerOptions => ({
  // "Going to production": workers wait for Redis for ever.
  connection: new Redis(env('REDIS_URL'), { maxRetriesPerRequest: null }),
  concurrency,
  removeOnComplete: KEPT,
  removeOnFail: KEPT,
});

type Work = (parameters: unknown) => Promise<unknown>;
const loaded = new Map<string, Promise<{ default: Work }>>();

/** Does the work of a job in this process; its module is loaded once. */
export async function work({ workload, parameters }: JobData): Promise<unknown> {
  let module = loaded.get(workload);
  if (!module) {
    module = import(pathToFileURL(join(workFolder, `${workload}.js`)).href) as Promise<{ default: Work }>;
    loaded.set(workload, module);
  }
  return (await module).default(parameters);
}

const RESULT_OPTIONS: JobsOptions = { removeOnComplete: KEPT, removeOnFail: KEPT };
let results: Queue | undefined;

/**
 * Does a job and, where results are asked for, puts the result on the result queue before the job ends:
 * the way of BullMQ's guide "Returning job data".
 */
export async function runPeerJob(
  job: Pick<Job, 'data'>,
  how: (data: JobData) => Promise<unknown>,
): Promise<unknown> {
  const data = job.data as JobData;
  const startedAt = performance.now();
  const result = (await how(data)) ?? null;
  if (!withResults) return result;
  results ??= new Queue(`${queueName}-results`, { connection: new Redis(env('REDIS_URL')) });
  const document = {
    execution_id: data.execution_id,
    success: true,
    status: 'succeeded',
    result,
    duration_ms: performance.now() - startedAt,
    finished_at: new Date().toISOString(),
  };
  await results.add('process-result', document, { ...RESULT_OPTIONS, jobId: `result-${data.execution_id}` });
  return { status: 'succeeded' };
}

/** Notifies the harness when the worker takes jobs. */
export async function announce(worker: Worker): Promise<void> {
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  worker.on('failed', (_job, error) => process.stderr.write(`a job failed: ${error.stack}\n`));
  await worker.waitUntilReady();
  process.stdout.write('listening\n');
  process.once('SIGTERM', () => void worker.close(true).finally(() => process.exit(0)));
}
