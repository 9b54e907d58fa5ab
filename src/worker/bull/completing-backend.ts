import { type BackendFactory, createRedisBackend, raw2NextJobData, RedisQueueBackend } from 'bullmq';
import type { JobCompletion } from '../../results/at-once/end-at-once.js';
import { GAPS } from '../../results/at-once/end-script.js';
import type { ScriptArgument } from '../../redis/lua-script.js';
import type { NextJobs } from '../../results/at-once/next-jobs.js';
import { NO_CLAIM, type TakenNext } from '../../results/at-once/take-next.js';
import type { HeldJob } from './held-job.js';

type Completed = Parameters<RedisQueueBackend['moveToCompleted']>[0];

/**
 * BullMQ's access to Redis for a worker of ours: it fetches a job and completes one as a part of greater scripts, and hands on what
 * BullMQ's own scripts have answered there.
 */
export class CompletingBackend extends RedisQueueBackend {
  /** Ids of jobs that are completed while this is set. */
  completedMeanwhile: Set<string> | null = null;
  /** Takes executions with their jobs; null: each is taken by a command of its own. */
  next: NextJobs | null = null;
  /** By the data of a job that was handed out: the execution that was taken with it. */
  readonly takenWith = new WeakMap<object, TakenNext>();
  /** What BullMQ's fetch would answer in this turn of the event loop; null: it has to be asked. */
  private nothingMore: unknown[] | null = null;
  /** Answers with keys and arguments in place of an id, where BullMQ would run a script with them. */
  private readonly recorder = Object.assign(Object.create(this) as RedisQueueBackend, {
    execCommand: (_client: unknown, _script: string, args: unknown[]) => [null, args],
  });

  /** @param fetchesNext whether the next job is to be taken with it */
  completion(job: HeldJob, token: string, returnValue: unknown, fetchesNext: () => boolean): JobCompletion {
    const { opts } = job;
    const finishedOn = Date.now();
    return {
      kind: kindOf(opts),
      args: () => this.finishArgs(opts),
      values: () => ({
        jobId: job.id as string,
        token,
        worker: nameIn(this.queue.opts),
        value: returnValue === undefined ? 'null' : JSON.stringify(returnValue),
        at: String(finishedOn),
        fetch: fetchesNext() && !this.closing ? '1' : '0',
      }),
      next: () => this.next?.claim() ?? NO_CLAIM,
      done: (reply, taken) => {
        this.completedMeanwhile?.add(job.id as string);
        job.completed = { reply, taken: this.next?.read(taken) ?? null, finishedOn };
      },
    };
  }

  private finishArgs(opts: Completed['opts']): ScriptArgument[] {
    const job = { id: GAPS.jobId, opts } as Completed;
    const at = GAPS.at as unknown as number;
    const keep = opts.removeOnComplete;
    // For a worker of any name, since Redis keeps the script of each text.
    const queue = Object.create(this.queue, {
      opts: { value: { ...this.queue.opts, name: GAPS.worker } },
    }) as object;
    const maker = Object.create(this, { queue: { value: queue } }) as CompletingBackend;
    const { value, token } = GAPS;
    const args = maker.moveToFinishedArgs(job, value, 'returnvalue', keep, 'completed', token, at, true);
    args[this.moveToFinishedKeys.length + FETCH] = GAPS.fetch;
    return [...args] as ScriptArgument[];
  }

  /** @throws what BullMQ throws of a job that is not this worker's any more */
  override async moveToCompleted(
    ...args: Parameters<RedisQueueBackend['moveToCompleted']>
  ): ReturnType<RedisQueueBackend['moveToCompleted']> {
    const [job] = args;
    const { completed: run = null } = job as Partial<HeldJob>;
    if (run === null) return super.moveToCompleted(...args);
    (job as HeldJob).completed = null;
    const { reply, taken, finishedOn } = run;
    if (typeof reply === 'number' && reply < 0)
      throw this.finishedErrors({
        code: reply,
        jobId: job.id as string,
        command: 'moveToFinished',
        state: 'active',
      });
    return { result: this.handOut(reply as unknown[], taken), finishedOn };
  }

  override async moveToActive(token: string, name?: string): Promise<unknown[]> {
    const known = this.nothingMore;
    this.nothingMore = null;
    if (known !== null) return raw2NextJobData(known);
    if (!this.next?.isPossible) return super.moveToActive(token, name);
    const [, args] = (await MAKE_FETCH.call(this.recorder, token, name)) as [null, ScriptArgument[]];
    const { reply, taken, after } = await this.next.fetch(args);
    this.nothingMore = after;
    if (after !== null) setImmediate(() => (this.nothingMore = null));
    return this.handOut(reply, taken);
  }

  /** @throws what BullMQ throws of a job that it cannot read, whose execution is free again then */
  private handOut(reply: unknown[], taken: TakenNext | null): unknown[] {
    try {
      const handed = raw2NextJobData(reply) as unknown[];
      const [data] = handed as [object?];
      if (data && taken) this.takenWith.set(data, taken);
      return handed;
    } catch (error) {
      if (taken) void this.next?.giveBack(taken);
      throw error;
    }
  }
}

/** BullMQ's own fetch, which is run on the recorder. */
const MAKE_FETCH = Reflect.get(RedisQueueBackend.prototype, 'moveToActive');

/** BullMQ's type has this option of workers only. */
const nameIn = (opts: object): string => (opts as { name?: string }).name ?? '';

/** Where it stands among the arguments of moveToFinished whether the next job is handed out. */
const FETCH = 5;

/** What of the options of a job BullMQ gives to its script. */
const kindOf = (opts: Completed['opts']): string =>
  // A producer may write anything: false and 'false' are two kinds, as they are to BullMQ's script.
  JSON.stringify([
    opts.removeOnComplete,
    opts.attempts,
    opts.failParentOnFailure,
    opts.continueParentOnFailure,
    opts.ignoreDependencyOnFailure,
    opts.removeDependencyOnFailure,
  ]);

/** As BullMQ makes its own, over the same connections. */
export const completingBackend: BackendFactory<CompletingBackend> = (name, opts, options) => {
  const own = createRedisBackend(name, opts, options);
  // The one that is used reports what happens to the connections.
  own.on('error', () => undefined);
  const { connection, keys, blockingConnection } = own;
  return new CompletingBackend(connection, name, keys, (part) => own.toKey(part), opts, blockingConnection);
};
