import { z } from 'zod';
import { executionSummarySchema } from '../history.js';
import { EXECUTION_STATUSES, progressSchema } from '../result.js';
import { waitingSchema } from '../waiting.js';

/** Statuses of executions that have not ended, as they are listed. */
export const OPEN_STATUSES = ['queued', 'delayed', 'running'] as const;
export type OpenStatus = (typeof OPEN_STATUSES)[number];

const text = z.string().nullable();
const when = z.string().meta({ description: 'ISO 8601 time, UTC' });

/** What is listed of each execution that has not ended. */
const open = {
  execution_id: z.string(),
  schedule: text.meta({ description: 'Id of the schedule whose tick it is' }),
  workflow_id: text,
  organization_id: text,
  caller_id: text,
  caller_email: text,
  tags: z.array(z.string()),
  again_of: text.meta({ description: 'Id of the execution that it is run again of' }),
  queued_at: when.meta({ description: 'When its job was added' }),
};

export const queuedExecutionSchema = z
  .object({ status: z.literal('queued'), ...open, waiting: waitingSchema })
  .meta({ id: 'QueuedExecution' });
export const delayedExecutionSchema = z
  .object({ status: z.literal('delayed'), ...open, waiting: waitingSchema })
  .meta({ id: 'DelayedExecution' });
export const runningExecutionSchema = z
  .object({
    status: z.literal('running'),
    ...open,
    worker_id: z.string(),
    attempt: z.number().int(),
    started_at: when,
    progress: progressSchema.nullable(),
  })
  .meta({ id: 'RunningExecution' });
export const endedExecutionSchema = executionSummarySchema
  .extend({ status: z.enum(EXECUTION_STATUSES) })
  .meta({ id: 'EndedExecution' });

/** An execution in `GET /executions`, by its status. */
export const listedExecutionSchema = z
  .discriminatedUnion('status', [
    queuedExecutionSchema,
    delayedExecutionSchema,
    runningExecutionSchema,
    endedExecutionSchema,
  ])
  .meta({ id: 'ListedExecution' });

/** A page of `GET /executions`. */
export const listingSchema = z
  .object({
    executions: z.array(listedExecutionSchema),
    next_cursor: text.meta({
      description:
        'For `cursor` of the next page; null on the last one. A page may have fewer executions than `limit` and not be the last',
    }),
    history_away: text.meta({
      description: 'Why executions that have ended are missing here; null: they are not',
    }),
  })
  .meta({ id: 'Executions' });

export type ListedExecution = z.infer<typeof listedExecutionSchema>;
export type OpenExecution = Exclude<ListedExecution, { finished_at: string }>;
export type Listing = z.infer<typeof listingSchema>;
