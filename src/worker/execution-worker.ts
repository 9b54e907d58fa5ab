import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { JobCompletion } from '../results/at-once/end-at-once.js';
import type { NextJobs } from '../results/at-once/next-jobs.js';
import type { TakenNext } from '../results/at-once/take-next.js';
import { type CompletingBackend, completingBackend } from './completing-backend.js';

type JobData = Parameters<typeof Job.fromJSON>[1];
type FetchesNext = () => boolean;

/** Parents that a child has failed: what BullMQ says of it. */
const failedParents = new WeakMap<object, string>();
/** Jobs whose execution was taken by the script that handed them out. */
const takenJobs = new WeakMap<object, TakenNext>();
/** Jobs in hand: how each is completed by a command of our own. */
const completions = new WeakMap<object, (returnValue: unknown) => JobCompletion>();

/**
 * BullMQ fails the parent of a flow whose child has failed without calling the processor, so that its result
 * would not be published. This worker is given such a job too; {@link childFailureOf} says what it is. And it can fetch a job together
 * with its execution, {@link takenWith}, and complete one together with the rest of its end, {@link completionOf}.
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
    completions.set(job, (value) => this.backend.completion(job, token, value, mayFetch));
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
    if (taken) takenJobs.set(job, taken);
    if (job.deferredFailure) {
      failedParents.set(job, job.deferredFailure);
      // Otherwise BullMQ fails it here and now.
      job.deferredFailure = '';
    }
    return job;
  }

  /** @throws what BullMQ throws of a job that it cannot read, whose execution is free again then */
  private readJob(data: JobData, jobId: string, taken: TakenNext | undefined): Job {
    try {
      return super.createJob(data, jobId);
    } catch (error) {
      if (taken) void this.backend.next?.giveBack(taken);
      throw error;
    }
  }
}

/** Why BullMQ wants a job failed before it runs: `child <key> failed`; null: it does not. */
export const childFailureOf = (job: object): string | null => failedParents.get(job) ?? null;

/** The execution of the job, where it is taken already; null: it is not. */
export const takenWith = (job: object): TakenNext | null => takenJobs.get(job) ?? null;

/** How a job in hand is completed with this value, by a command of our own. */
export const completionOf = (job: object, returnValue: unknown): JobCompletion | null =>
  completions.get(job)?.(returnValue) ?? null;
