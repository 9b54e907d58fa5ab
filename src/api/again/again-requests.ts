import { z } from 'zod';
import { executionContextSchema } from '../../contract/context.js';
import { beginsOnce, jobFields, newIdSchema, runAtField } from '../executions/job-fields.js';
import { filters, inOrder, OUT_OF_ORDER } from '../history/history-requests.js';
import { fieldErrorSchema } from '../http/problem-schema.js';
import { refuseUnknown } from '../http/unknown-fields.js';
import { parseListCursor } from '../list/list-cursor.js';

const MAX_LIMIT = 1_000;

const common = {
  workspace: z.enum(['same', 'current'], { error: 'must be same or current' }).default('same').meta({
    description:
      'Which generation of the workspace it runs against: that of the run before, or the current one',
  }),
  secrets: executionContextSchema.shape.secrets.meta({
    description: 'Those of the context, again: they were removed when the execution ended',
  }),
  ...jobFields,
  run_at: runAtField,
};

/** Body of `POST /executions/:id/again`. */
export const againRequestSchema = refuseUnknown(
  z
    .object({
      execution_id: newIdSchema
        .optional()
        .meta({ description: 'Of the new execution. Default: an id of ours' }),
      parameters: executionContextSchema.shape.parameters.meta({
        description: 'Others instead of those that it had',
      }),
      ...common,
    })
    .superRefine(beginsOnce('run_at')),
).meta({ id: 'AgainRequest', example: { workspace: 'current' } });

/** Body of `POST /executions/again`. */
export const bulkAgainRequestSchema = refuseUnknown(
  z
    .object({
      filter: refuseUnknown(z.object(filters))
        .refine(inOrder, OUT_OF_ORDER)
        .refine((filter) => Object.values(filter).some((value) => value !== undefined), {
          error: 'must narrow the history by at least one field',
        })
        .meta({ description: 'Which of those that have ended, as the query of GET /executions says it' }),
      dry_run: z
        .boolean({ error: 'must be true or false' })
        .meta({ description: 'true: only say which there are, and queue nothing' }),
      limit: z
        .number({ error: 'must be a number' })
        .int({ error: 'must be a whole number' })
        .min(1, { error: 'must be at least 1' })
        .max(MAX_LIMIT, { error: `must be at most ${MAX_LIMIT}` })
        .default(100),
      cursor: z
        .string({ error: 'must be a string' })
        .transform((text, ctx) => {
          const position = parseListCursor(text)?.ended;
          if (position) return position;
          ctx.addIssue({ code: 'custom', message: 'must be the next_cursor of the answer before' });
          return z.NEVER;
        })
        .nullish(),
      ...common,
    })
    .superRefine(beginsOnce('run_at')),
).meta({
  id: 'BulkAgainRequest',
  example: { filter: { status: 'failed', workflow: 'greet' }, dry_run: true },
});

/** Answer of `POST /executions/:id/again`. */
export const againViewSchema = z
  .object({ execution_id: z.string(), status: z.enum(['queued', 'delayed']), again_of: z.string() })
  .meta({ id: 'Again' });

/** Answer of `POST /executions/again`: an entry for each that the filter finds, the newest first. */
export const bulkAgainViewSchema = z
  .object({
    dry_run: z.boolean(),
    executions: z.array(
      z.discriminatedUnion('status', [
        z
          .object({ status: z.literal('found'), again_of: z.string() })
          .meta({ id: 'AgainFound', description: 'Of a dry run' }),
        z
          .object({ status: z.enum(['queued', 'delayed']), again_of: z.string(), execution_id: z.string() })
          .meta({ id: 'AgainQueued' }),
        z
          .object({
            status: z.literal('refused'),
            again_of: z.string(),
            detail: z.string(),
            errors: z.array(fieldErrorSchema),
          })
          .meta({ id: 'AgainRefused' }),
      ]),
    ),
    next_cursor: z
      .string()
      .nullable()
      .meta({ description: 'To go on with `cursor`; null: there are no more' }),
  })
  .meta({ id: 'BulkAgain' });

export type AgainRequest = z.infer<typeof againRequestSchema>;
export type BulkAgainRequest = z.infer<typeof bulkAgainRequestSchema>;
export type AgainView = z.infer<typeof againViewSchema>;
export type BulkAgainView = z.infer<typeof bulkAgainViewSchema>;
