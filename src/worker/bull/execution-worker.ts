import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { NextJobs } from '../../results/at-once/next-jobs.js';
import type { TakenNext } from '../../results/at-once/take-next.js';
import { type CompletingBackend, completingBackend } from './completing-backend.js';
import { HeldJob } from './held-job.js';

type JobData = Parameters<typeof Job.fromJSON>[1];
type FetchesNext = () => boolean;

/**
 * BullMQ fails the parent of a flow whose child has failed without calling the processor, so that its result
 * would not be published. This worker is given such a job too. And it can fetch a job together
 * with its execution, and complete one together with the rest of its end: see {@link HeldJob}.
 */
export class ExecutionWorker extends Worker<unknown, unknown, string, CompletingBackend> {
  constructor(name: string, processor?: string | URL | Processor, options?: WorkerOptions) {
    super(name, processor, options as WorkerOptions, completingBackend);
    // Without a listener BullMQ prints each error of its connections, past the log, until the queue is read.
    this.on('error', () => undefined);
  }

  /** Each job is handed out with its execution from now on. */
  handOutWith(next: NextJobs): void {
    this.backend.next = next;
  }

  override processJob(job: Job, token: string, fetchesNext: FetchesNext = () => true) {
    const mayFetch: FetchesNext = () => fetchesNext() && !(this.closing || this.paused);
    const held = job as HeldJob;
    held.complete = (value) => this.backend.completion(held, token, value, mayFetch);
    return super.processJob(job, token, fetchesNext);
  }

  /** A lock that cannot be renewed since its job has just been completed is no trouble. */
  override async extendJobLocks(jobIds: string[], tokens: string[], duration: number): Promise<string[]> {
    const completed = (this.backend.completedMeanwhile = new Set<string>());
    const failed = await super.extendJobLocks(jobIds, tokens, duration);
    this.backend.completedMeanwhile = null;
    return failed.filter((id) => !completed.has(id));
  }

  protected override createJob(data: JobData, jobId: string): Job {
    const taken = this.backend.takenWith.get(data);
    const job = this.readJob(data, jobId, taken);
    if (taken) job.taken = taken;
    if (job.deferredFailure) {
      job.childFailure = job.deferredFailure;
      // Otherwise BullMQ fails it here and now.
      job.deferredFailure = '';
    }
    return job;
  }

  /** @throws what BullMQ throws of a job that it cannot read, whose execution is free again then */
  private readJob(data: JobData, jobId: string, taken: TakenNext | undefined): HeldJob {
    try {
      return HeldJob.fromJSON(this, data, jobId) as HeldJob;
    } catch (error) {
      if (taken) void this.backend.next?.giveBack(taken);
      throw error;
    }
  }
}
