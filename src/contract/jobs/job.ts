import { z } from 'zod';
import { idSchema } from '../ids.js';
import { networkFieldSchema } from '../fields/network-field.js';
import { tickFieldSchema } from './schedule.js';
import { webhookSchema } from './webhook.js';

const unixSeconds = z
  .number({ error: 'must be a time in Unix seconds' })
  .int({ error: 'must be whole Unix seconds' });

const again = z
  .boolean({ error: 'must be true or false' })
  .nullish()
  .meta({ description: 'Run it also where it has a result already: docs/identity.md' });

const expires = z
  .number({ error: 'must be a time in Unix milliseconds' })
  .int({ error: 'must be whole Unix milliseconds' })
  .nullish()
  .meta({ description: 'Unix milliseconds: ends with EXPIRED where its code has not started by then' });

const tickField = tickFieldSchema.nullish().meta({ description: 'Of a schedule: docs/schedules.md' });

/** Work-queue job of the execution engine; everything else is in the execution context. */
export const executionJobSchema = z.object({
  execution_id: idSchema,
  signature: z
    .string({ error: 'must be a string' })
    .nullish()
    .meta({ description: 'See docs/signed-jobs.md' }),
  valid_until: unixSeconds.nullish(),
  expires_at: expires,
  again,
  schedule: tickField,
  webhook: webhookSchema.nullish(),
});

/** Work-queue job of the task orchestrator; `timeout` in seconds. */
export const taskJobSchema = z.object({
  taskId: idSchema,
  code: z.string({ error: 'must be a string of JavaScript or TypeScript' }),
  timeout: z
    .number({ error: 'must be a number of seconds' })
    .positive({ error: 'must be more than 0' })
    .nullish(),
  prompt: z.string({ error: 'must be a string' }).nullish(),
  network: networkFieldSchema,
  signature: z.string({ error: 'must be a string' }).nullish(),
  validUntil: unixSeconds.nullish(),
  expiresAt: expires,
  again,
  schedule: tickField,
  webhook: webhookSchema.nullish(),
});

export type TaskJob = z.infer<typeof taskJobSchema>;

/** Which contract a job came in by; its result goes out by the same. */
export type JobKind = 'execution' | 'task';

/** Name that our own producers give to work-queue jobs; the worker accepts any. */
export const JOB_NAMES: Readonly<Record<JobKind, string>> = { execution: 'execute', task: 'task' };

/** Name of a result-queue job. */
export const RESULT_JOB_NAME = 'process-result';

export const resultQueueName = (queueName: string): string => `${queueName}-results`;

/** Job id under which the result of a run is put on the result queue; BullMQ forbids ":" and plain integers. */
export const resultJobId = (executionId: string, run: number): string =>
  `result-${encodeURIComponent(executionId)}${run === 1 ? '' : `/${run}`}`;
