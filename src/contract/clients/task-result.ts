import { z } from 'zod';
import type { ExecutionResult } from '../result.js';

/** `result` of a task: `object` as in the task contract, `text` for consumers that store text. */
export const TASK_RESULT_FORMS = ['object', 'text'] as const;
export type TaskResultForm = (typeof TASK_RESULT_FORMS)[number];

/** What a process of the task left. */
export const taskOutputSchema = z.object({ stdout: z.string(), stderr: z.string(), exitCode: z.number() });

/** Data of the result-queue job of a task. */
export const taskResultSchema = z.object({
  taskId: z.string(),
  workerId: z.string(),
  status: z.enum(['completed', 'failed']),
  result: z
    .union([taskOutputSchema, z.string()])
    .optional()
    .meta({ description: 'With TASK_RESULT=text: stdout. Left out where nothing ran' }),
  errorMessage: z.string().optional().meta({ description: 'Of a failed task' }),
  executionTimeMs: z.number(),
  run: z
    .number()
    .int()
    .optional()
    .meta({ description: 'Which run it is, where the task ran again; absent: the first' }),
  schedule: z
    .object({ id: z.string(), due_at: z.string() })
    .optional()
    .meta({ description: 'The tick of a job scheduler that it is' }),
});

/** @template R the form of `result` */
export type TaskResult<R = TaskOutput> = Omit<z.infer<typeof taskResultSchema>, 'result'> & {
  result?: R;
};
export type TaskOutput = z.infer<typeof taskOutputSchema>;

/** The task orchestrator's view of a result, with `result` as the task contract has it. */
export function toTaskResult(result: ExecutionResult): TaskResult {
  return {
    ...base(result, result.error ?? 'failed'),
    ...(didRun(result) ? { result: outputOf(result) } : {}),
  };
}

/** The same with `result` as text: stdout; what a failed task wrote to stderr is its error message. */
export function toTextTaskResult(result: ExecutionResult): TaskResult<string> {
  return { ...base(result, reasonOf(result)), ...(didRun(result) ? { result: result.stdout } : {}) };
}

function base(result: ExecutionResult, reason: string): Omit<TaskResult, 'result'> {
  return {
    taskId: result.execution_id,
    workerId: result.worker_id,
    status: result.success ? 'completed' : 'failed',
    ...(result.success ? {} : { errorMessage: reason }),
    executionTimeMs: result.duration_ms,
    ...(result.run === undefined ? {} : { run: result.run }),
    ...(result.schedule === undefined ? {} : { schedule: result.schedule }),
  };
}

/** A process that was killed has no exit code, and reads as 1. */
const outputOf = ({ stdout, stderr, exit_code: exitCode, success }: ExecutionResult): TaskOutput => ({
  stdout,
  stderr,
  exitCode: exitCode ?? (success ? 0 : 1),
});

/** Whether a process of the code ran, or would have, had the code compiled: that has an exit code too. */
const didRun = ({ exit_code: exitCode, metrics }: ExecutionResult): boolean =>
  exitCode !== null || metrics.run_ms !== undefined;

/** Of the code's own errors stderr says more than their message; of a limit the reason comes first. */
function reasonOf({ error, failure, stderr }: ExecutionResult): string {
  const reason = error ?? 'failed';
  if (stderr.trim() === '') return reason;
  return failure?.code === 'USER_ERROR' ? stderr : `${reason}\n${stderr}`;
}
