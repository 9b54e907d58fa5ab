import { z } from 'zod';
import { cancellationSchema } from '../../contract/cancellation.js';
import { controlAnswerSchema } from '../../contract/control.js';
import { EXECUTION_STATUSES, resultSchema } from '../../contract/result.js';
import { taskOutputSchema, toTaskResult } from '../../contract/clients/task-result.js';
import { countedWorkerSchema } from '../../contract/worker-record.js';
import { waitingSchema } from '../../contract/waiting.js';
import type { Progress } from './execution-lookup.service.js';

/** `GET /tasks/:id`: the task result, once there is one, beside id and status. */
export const taskViewSchema = z
  .object({
    id: z.string(),
    status: z.enum(['queued', 'running', 'completed', 'failed']),
    taskId: z.string().optional(),
    workerId: z.string().optional(),
    result: taskOutputSchema.optional(),
    errorMessage: z.string().optional(),
    executionTimeMs: z.number().optional(),
  })
  .meta({ id: 'Task' });

/** `GET /executions/:id`: the result document, once there is one. */
export const executionViewSchema = resultSchema
  .partial()
  .extend({
    execution_id: z.string(),
    status: z
      .enum(['stored', 'queued', 'running', ...EXECUTION_STATUSES])
      .meta({ description: 'stored: there is a context, but no job on the queue' }),
    waiting: waitingSchema.optional().meta({ description: 'Why it is not running yet' }),
    cancellation: cancellationSchema
      .partial()
      .optional()
      .meta({ description: 'While it runs: its cancellation was requested' }),
  })
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
      return { id, ...toTaskResult(progress.result) };
  }
}

/** What a client sees of an execution. */
export function executionView(id: string, progress: Known): ExecutionView {
  switch (progress.state) {
    case 'queued':
    case 'stored':
      return { execution_id: id, status: progress.state, waiting: progress.waiting };
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
