import { z } from 'zod';
import { REASON_LIMIT_CHARS } from '../../contract/cancellation.js';
import { requestedContextSchema } from '../../contract/context.js';
import { idSchema } from '../../contract/ids.js';
import { taskJobSchema } from '../../contract/jobs/job.js';
import type { ExecutionSettings } from '../../config/slices.js';
import { type FieldError, ProblemException } from '../http/problem.js';
import { beginsOnce, jobFields, newIdSchema, runAtField } from './job-fields.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Longest time that one request may wait for a result. */
const MAX_WAIT_SECONDS = 300;

/** Body of `POST /tasks`. */
export const taskRequestSchema = refuseUnknown(
  taskJobSchema
    // The API signs by itself, takes no id that is known, makes a time of the ttl, and has schedules of its own.
    .omit({ signature: true, validUntil: true, again: true, expiresAt: true, schedule: true })
    .extend({
      taskId: newIdSchema.optional().meta({ description: 'Default: an id of ours' }),
      ...jobFields,
      runAt: runAtField,
    })
    .superRefine(beginsOnce('runAt')),
).meta({
  id: 'TaskRequest',
  example: { code: 'console.log(2 + 2)', timeout: 10 },
});

/** Body of `POST /executions`: the execution context, and optionally the id to file it under and options of its job. */
export const executionRequestSchema = refuseUnknown(
  requestedContextSchema
    .safeExtend({
      execution_id: newIdSchema.optional().meta({ description: 'Default: an id of ours' }),
      ...jobFields,
      run_at: runAtField,
    })
    .superRefine(beginsOnce('run_at')),
).meta({
  id: 'ExecutionRequest',
  example: {
    workflow_code: 'export default async (parameters) => `Hello, ${parameters.name}`',
    function_name: 'default',
    parameters: { name: 'Ada' },
    timeout_seconds: 10,
  },
});

const waitFields = {
  wait: z.coerce
    .number({ error: 'must be a number of seconds' })
    .min(0, { error: 'must be at least 0' })
    .max(MAX_WAIT_SECONDS, { error: `must be at most ${MAX_WAIT_SECONDS} seconds` })
    .default(0)
    .meta({ description: 'Seconds to wait for the result before answering that there is none yet' }),
};

/** Query of what may wait for a result. */
export const waitQuerySchema = refuseUnknown(z.object(waitFields));

/** Query of `DELETE /executions/:id`. */
export const cancelQuerySchema = refuseUnknown(
  z.object({
    ...waitFields,
    reason: z
      .string()
      .max(REASON_LIMIT_CHARS, { error: `must have at most ${REASON_LIMIT_CHARS} characters` })
      .optional()
      .meta({ description: 'Shown to the code as the reason of context.signal, and kept in the result' }),
  }),
);

/** Query of what recycles runners. */
export const recycleQuerySchema = refuseUnknown(
  z.object({
    pid: z.coerce
      .number({ error: 'must be the pid of a runner' })
      .int({ error: 'must be the pid of a runner' })
      .positive({ error: 'must be the pid of a runner' })
      .optional()
      .meta({ description: 'Only the runner of this process' }),
  }),
);

/** Path of one execution or task. */
export const idPathSchema = z.object({ id: idSchema });

export type TaskRequest = z.infer<typeof taskRequestSchema>;
export type ExecutionRequest = z.infer<typeof executionRequestSchema>;
export type RecycleQuery = z.infer<typeof recycleQuerySchema>;
export type WaitQuery = z.infer<typeof waitQuerySchema>;
export type CancelQuery = z.infer<typeof cancelQuerySchema>;
export type IdPath = z.infer<typeof idPathSchema>;

type Limits = Pick<ExecutionSettings, 'codeLimitBytes' | 'maxTimeoutMs'>;
type Part<T> = { field: string; value: T | null | undefined };

/**
 * Refuses what a worker with the same settings would refuse, but at once.
 * @throws {ProblemException} 413 for code, 400 for a time limit, naming every field that is too large.
 */
export function checkLimits(code: Part<string>, timeout: Part<number>, limits: Limits): void {
  const bytes = Buffer.byteLength(code.value ?? '');
  const errors: FieldError[] = [];
  if (bytes > limits.codeLimitBytes) {
    const message = `has ${bytes} bytes; the limit is ${limits.codeLimitBytes} (CODE_LIMIT_BYTES)`;
    errors.push({ field: code.field, message });
  }
  const kind = errors.length > 0 ? 'too-large' : 'invalid-request';
  if (timeout.value != null && timeout.value * 1000 > limits.maxTimeoutMs) {
    const message = `is ${timeout.value} s; the limit is ${limits.maxTimeoutMs / 1000} s (MAX_TIMEOUT_SECONDS)`;
    errors.push({ field: timeout.field, message });
  }
  if (errors.length > 0) throw invalid(errors, kind);
}

/** A problem that lists fields; its detail repeats the first ones for a quick look. */
export function invalid(
  errors: readonly FieldError[],
  kind: 'invalid-request' | 'too-large' = 'invalid-request',
): ProblemException {
  const detail = errors
    .slice(0, 5)
    .map(({ field, message }) => `${field}: ${message}`)
    .join('; ');
  return new ProblemException(kind, detail, { errors });
}
