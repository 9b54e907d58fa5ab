import { type BackendFactory, createRedisBackend, raw2NextJobData, RedisQueueBackend } from 'bullmq';
import type { JobCompletion } from '../results/at-once/end-at-once.js';
import type { ScriptArgument } from '../redis/lua-script.js';
import type { TakenNext } from '../results/at-once/take-next.js';

type Completed = Parameters<RedisQueueBackend['moveToCompleted']>[0];

/** A script of BullMQ that was run within one of ours. */
interface RunElsewhere {
  reply: unknown;
  taken: TakenNext | null;
  finishedOn: number;
}

/** BullMQ's access to Redis, for a worker that may complete a job by a command of its own: then this only hands on the answer. */
export class CompletingBackend extends RedisQueueBackend {
  /** Ids of jobs that are completed while this is set. */
  completedMeanwhile: Set<string> | null = null;
  private readonly completed = new WeakMap<object, RunElsewhere>();
  /** By the data of a job that was handed out: the execution that was taken with it. */
  readonly takenWith = new WeakMap<object, TakenNext>();

  /** @param fetchesNext whether the next job is to be taken with it */
  completion(job: Completed, token: string, returnValue: unknown, fetchesNext: () => boolean): JobCompletion {
    let finishedOn = 0;
    return {
      args: () => {
        const text = JSON.stringify(returnValue);
        const keep = job.opts.removeOnComplete as boolean | number;
        const args = this.moveToCompletedArgs(job, text, keep, token, fetchesNext());
        finishedOn = args[this.moveToFinishedKeys.length + 1] as number;
        return args as ScriptArgument[];
      },
      done: (reply, taken) => {
        this.completedMeanwhile?.add(job.id as string);
        this.completed.set(job, { reply, taken, finishedOn });
      },
    };
  }

  /** @throws what BullMQ throws of a job that is not this worker's any more */
  override async moveToCompleted(
    ...args: Parameters<RedisQueueBackend['moveToCompleted']>
  ): ReturnType<RedisQueueBackend['moveToCompleted']> {
    const [job] = args;
    const run = this.completed.get(job);
    if (!run) return super.moveToCompleted(...args);
    this.completed.delete(job);
    const { reply, taken, finishedOn } = run;
    if (typeof reply === 'number' && reply < 0)
      throw this.finishedErrors({
        code: reply,
        jobId: job.id as string,
        command: 'moveToFinished',
        state: 'active',
      });
    const result = raw2NextJobData(reply as unknown[]);
    const [data] = result as [object?];
    if (data && taken) this.takenWith.set(data, taken);
    return { result, finishedOn };
  }
}

/** As BullMQ makes its own, over the same connections. */
export const completingBackend: BackendFactory<CompletingBackend> = (name, opts, options) => {
  const own = createRedisBackend(name, opts, options);
  // The one that is used reports what happens to the connections.
  own.on('error', () => undefined);
  const { connection, keys, blockingConnection } = own;
  return new CompletingBackend(connection, name, keys, (part) => own.toKey(part), opts, blockingConnection);
};
