import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';

type JobData = Parameters<typeof Job.fromJSON>[1];

/** Parents that a child has failed: what BullMQ says of it. */
const failedParents = new WeakMap<object, string>();

/**
 * BullMQ fails the parent of a flow whose child has failed without calling the processor, so that its result
 * would not be published. This worker is given such a job too; {@link childFailureOf} says what it is.
 */
export class ExecutionWorker extends Worker {
  constructor(name: string, processor?: string | URL | Processor, options?: WorkerOptions) {
    super(name, processor, options);
    // Without a listener BullMQ prints each error of its connections, past the log, until the queue is read.
    this.on('error', () => undefined);
  }

  protected override createJob(data: JobData, jobId: string): Job {
    const job = super.createJob(data, jobId);
    if (job.deferredFailure) {
      failedParents.set(job, job.deferredFailure);
      // Otherwise BullMQ fails it here and now.
      job.deferredFailure = '';
    }
    return job;
  }
}

/** Why BullMQ wants a job failed before it runs: `child <key> failed`; null: it does not. */
export const childFailureOf = (job: object): string | null => failedParents.get(job) ?? null;
