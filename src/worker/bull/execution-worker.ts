import { setTimeout as pause } from 'node:timers/promises';
import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import { isOutage } from '../../redis/redis-errors.js';
import { isWrongType } from '../../redis/text-key.js';
import type { NextJobs } from '../../results/at-once/next-jobs.js';
import type { TakenNext } from '../../results/at-once/take-next.js';
import { type CompletingBackend, completingBackend } from './completing-backend.js';
import { HeldJob } from './held-job.js';

type JobData = Parameters<typeof Job.fromJSON>[1];
type FetchesNext = () => boolean;

/** Why no job can be fetched. */
export interface FetchTrouble {
  /** As `performance.now` says it. */
  sinceMs: number;
  reason: string;
}

type Fetch = (...args: unknown[]) => Promise<unknown>;

/** BullMQ's own name of the step, which its types keep private. */
const FETCH = '_getNextJob';
const FETCH_PAUSE_MS = 1_000;
/** Enough for the rest of the process to go on. */
const JOB_PAUSE_MS = 1;

/** BullMQ cannot hand out this one job, which another fetch passes over; with a pause for each, many of them would hold up all others. */
const isOfAJob = (error: unknown): boolean =>
  error instanceof SyntaxError || error instanceof TypeError || isWrongType(error);

/**
 * BullMQ fails the parent of a flow whose child has failed without calling the processor, so that its result
 * would not be published. This worker is given such a job too. And it can fetch a job together
 * with its execution, and complete one together with the rest of its end: see {@link HeldJob}.
 */
export class ExecutionWorker extends Worker<unknown, unknown, string, CompletingBackend> {
  private trouble: FetchTrouble | null = null;

  constructor(name: string, processor?: string | URL | Processor, options?: WorkerOptions) {
    super(name, processor, options as WorkerOptions, completingBackend);
    // Without a listener BullMQ prints each error of its connections, past the log, until the queue is read.
    this.on('error', () => undefined);
    const fetch = Reflect.get(this, FETCH) as Fetch | undefined;
    // Another BullMQ may name it otherwise: then it fetches as fast as it will.
    if (fetch) Reflect.set(this, FETCH, (...args: unknown[]) => this.inPace(() => fetch.apply(this, args)));
  }

  /** Why no job is fetched although Redis is there; null: the last fetch went well. */
  get fetchTrouble(): FetchTrouble | null {
    return this.trouble;
  }

  /**
   * BullMQ pauses where a connection is lost. After any other error it fetches again at once, and for good: of a Redis that refuses
   * each fetch, without a turn of the event loop where no command is sent any more.
   */
  private async inPace<T>(fetch: () => Promise<T>): Promise<T> {
    try {
      const fetched = await fetch();
      this.trouble = null;
      return fetched;
    } catch (error) {
      const isJob = isOfAJob(error);
      if (!isJob && !isOutage(error)) {
        const reason = error instanceof Error ? error.message : String(error);
        this.trouble = { sinceMs: this.trouble?.sinceMs ?? performance.now(), reason };
      }
      if (!this.closing) await pause(isJob ? JOB_PAUSE_MS : FETCH_PAUSE_MS);
      throw error;
    }
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
