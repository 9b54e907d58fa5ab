import type { JobsOptions, Queue, RedisClient } from 'bullmq';
import type { ResultSettings } from '../../config/slices.js';
import { toTaskResult, toTextTaskResult } from '../../contract/clients/task-result.js';
import { type JobKind, RESULT_JOB_NAME, resultJobId } from '../../contract/jobs/job.js';
import type { ExecutionResult } from '../../contract/result.js';
import type { ScriptArgument } from '../../redis/lua-script.js';
import { GAPS } from './end-script.js';

/** Consumed results stay known for a day, so that a repeated publish adds nothing. */
const OPTIONS: JobsOptions = {
  removeOnComplete: { age: 86_400, count: 10_000 },
  removeOnFail: { age: 604_800 },
};

/** The job by which a result goes out. */
export function resultJob(kind: JobKind, result: ExecutionResult, taskForm: ResultSettings['taskForm']) {
  const toTask = taskForm === 'text' ? toTextTaskResult : toTaskResult;
  const jobId = resultJobId(result.execution_id, result.run ?? 1);
  return {
    name: RESULT_JOB_NAME,
    data: kind === 'task' ? toTask(result) : result,
    opts: { ...OPTIONS, jobId },
  };
}

/** Keys and arguments with which BullMQ would add {@link resultJob} to a queue without options of its own, with {@link GAPS} in them. */
export async function addingOf(queue: Queue): Promise<ScriptArgument[]> {
  let added: ScriptArgument[] = [];
  const recorder = {
    runCommand: (_script: string, args: ScriptArgument[]) => {
      added = args;
      return GAPS.resultId;
    },
  };
  const job = {
    id: GAPS.resultId,
    name: RESULT_JOB_NAME,
    data: GAPS.data,
    opts: { attempts: 0, ...OPTIONS, jobId: GAPS.resultId },
    timestamp: GAPS.at,
  };
  await queue.backend.addJobToTransaction(
    recorder as unknown as RedisClient,
    job as unknown as Parameters<typeof queue.backend.addJobToTransaction>[1],
    GAPS.resultId,
  );
  return added;
}
