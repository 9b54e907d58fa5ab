import { z } from 'zod';
import { cancellationSchema } from '../../contract/cancellation.js';
import { controlAnswerSchema } from '../../contract/control.js';
import { progressSchema, resultSchema } from '../../contract/result.js';
import {
  taskOutputSchema,
  type TaskResult,
  taskResultSchema,
  toTaskResult,
} from '../../contract/clients/task-result.js';
import { countedWorkerSchema } from '../../contract/worker-record.js';
import { waitingSchema } from '../../contract/waiting.js';
import type { Progress } from './execution-lookup.service.js';

const id = z.string();
/** The task result, beside its id; `result` is never text here. */
const endedTaskSchema = taskResultSchema.extend({ id, result: taskOutputSchema.optional() });

/** `GET /tasks/:id`, by its status. */
export const taskViewSchema = z
  .discriminatedUnion('status', [
    z.object({ id, status: z.literal('queued') }).meta({ id: 'QueuedTask' }),
    z
      .object({ id, status: z.literal('running'), workerId: z.string().optional() })
      .meta({ id: 'RunningTask' }),
    endedTaskSchema
      .extend({ status: z.literal('completed') })
      .omit({ errorMessage: true })
      .meta({ id: 'CompletedTask' }),
    endedTaskSchema
      .extend({ status: z.literal('failed'), errorMessage: z.string() })
      .meta({ id: 'FailedTask' }),
  ])
  .meta({ id: 'Task' });

/** `GET /executions/:id`, by its status: the result document, once there is one. */
export const executionViewSchema = z
  .discriminatedUnion('status', [
    z
      .object({
        execution_id: z.string(),
        status: z.enum(['stored', 'queued', 'delayed']).meta({
          description:
            'delayed: it is not taken before waiting.until; stored: there is a context, but no job on the queue',
        }),
        waiting: waitingSchema
          .optional()
          .meta({ description: 'Why it is not running yet; absent right after it was accepted' }),
      })
      .meta({ id: 'WaitingExecution' }),
    z
      .object({
        execution_id: z.string(),
        status: z.literal('running'),
        attempt: z.number().int(),
        worker_id: z.string().optional().meta({ description: 'Absent between two attempts' }),
        started_at: z.string().optional().meta({ description: 'ISO 8601 time, UTC' }),
        progress: progressSchema.optional(),
        cancellation: cancellationSchema
          .pick({ asked_at: true, reason: true })
          .optional()
          .meta({ description: 'Its cancellation was requested' }),
      })
      .meta({ id: 'ActiveExecution' }),
    resultSchema.meta({ id: 'ExecutionResult' }),
  ])
  .meta({ id: 'Execution' });

/** `GET /workers`. */
export const workersViewSchema = z.object({ workers: z.array(countedWorkerSchema) }).meta({ id: 'Workers' });

/** What `POST /workers/:id/…` answers: the workers that the command was sent to, and what each of them did. */
export const controlViewSchema = z
  .object({ command: z.string(), workers: z.array(z.string()), answers: z.array(controlAnswerSchema) })
  .meta({ id: 'ControlAccepted' });

export type ControlView = z.infer<typeof controlViewSchema>;
export type TaskView = z.infer<typeof taskViewSchema>;
export type ExecutionView = z.infer<typeof executionViewSchema>;
export type WorkersView = z.infer<typeof workersViewSchema>;

type Known = Exclude<Progress, { state: 'unknown' }>;

/** What a client sees of a task. */
export function taskView(id: string, progress: Known): TaskView {
  switch (progress.state) {
    case 'queued':
    case 'stored':
      return { id, status: 'queued' };
    case 'running':
      return { id, status: 'running', ...(progress.worker === '' ? {} : { workerId: progress.worker }) };
    case 'ended':
      return endedTaskView(id, toTaskResult(progress.result));
  }
}

function endedTaskView(id: string, { status, errorMessage = 'failed', ...rest }: TaskResult): TaskView {
  return status === 'completed' ? { id, ...rest, status } : { id, ...rest, status, errorMessage };
}

/** What a client sees of an execution. */
export function executionView(id: string, progress: Known): ExecutionView {
  switch (progress.state) {
    case 'queued': {
      const { waiting } = progress;
      return { execution_id: id, status: waiting.until === null ? 'queued' : 'delayed', waiting };
    }
    case 'stored':
      return { execution_id: id, status: 'stored', waiting: progress.waiting };
    case 'running':
      return {
        execution_id: id,
        status: 'running',
        attempt: progress.attempt,
        ...(progress.worker === '' ? {} : { worker_id: progress.worker, started_at: progress.startedAt }),
        ...(progress.progress && { progress: progress.progress }),
        ...(progress.cancel && {
          cancellation: { asked_at: progress.cancel.askedAt, reason: progress.cancel.reason },
        }),
      };
    case 'ended':
      return progress.result;
  }
}
