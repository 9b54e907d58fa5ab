import { z } from 'zod';
import { webhookSchema } from '../../contract/jobs/webhook.js';
import { EXECUTION_STATUSES } from '../../contract/result.js';
import { fieldErrorSchema } from '../http/problem-schema.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Most executions of one batch. */
const MAX_ENTRIES = 1_000;

/**
 * Body of `POST /executions/batch`. Its entries are checked one by one later, because a wrong one may leave the others
 * as they are.
 */
export const batchRequestSchema = refuseUnknown(
  z.object({
    executions: z
      .array(z.unknown(), { error: 'must be an array of executions' })
      .min(1, { error: 'must hold at least one execution' })
      .max(MAX_ENTRIES, { error: `must hold at most ${MAX_ENTRIES} executions` })
      .meta({ items: { $ref: '#/components/schemas/ExecutionRequest' } }),
    webhook: webhookSchema
      .nullish()
      .meta({ description: 'Gets a signed message when all of it has ended: docs/webhooks.md' }),
    mode: z.enum(['all', 'each'], { error: 'must be all or each' }).default('all').meta({
      description: 'all: one entry that is refused refuses the batch; each: the others are accepted',
    }),
  }),
).meta({
  id: 'BatchRequest',
  example: { executions: [{ workflow_code: 'console.log(1)' }, { workflow_code: 'console.log(2)' }] },
});

export type BatchRequest = z.infer<typeof batchRequestSchema>;

const index = z.number().int().meta({ description: 'Position in the request, from 0' });
const batchId = z.string();

/** Answer of `POST /executions/batch`: an entry for each of the request, in its order. */
export const batchAcceptedSchema = z
  .object({
    batch_id: batchId,
    accepted: z.number().int(),
    refused: z.number().int(),
    executions: z.array(
      z.discriminatedUnion('status', [
        z
          .object({ status: z.enum(['queued', 'delayed']), index, execution_id: z.string() })
          .meta({ id: 'BatchQueued' }),
        z
          .object({
            status: z.literal('refused'),
            index,
            execution_id: z.string().nullable(),
            detail: z.string(),
            errors: z.array(fieldErrorSchema),
          })
          .meta({ id: 'BatchRefused' }),
      ]),
    ),
  })
  .meta({ id: 'BatchAccepted' });

export type BatchAccepted = z.infer<typeof batchAcceptedSchema>;
export type BatchEntry = BatchAccepted['executions'][number];

/** Answer of `GET /batches/:id`. */
export const batchViewSchema = z
  .object({
    batch_id: batchId,
    created_at: z.string().meta({ description: 'ISO 8601 time, UTC' }),
    total: z.number().int().meta({ description: 'Executions that were accepted' }),
    ended: z.number().int(),
    done: z.boolean().meta({ description: 'All of them have ended' }),
    statuses: z
      .partialRecord(z.enum(EXECUTION_STATUSES), z.number().int())
      .meta({ description: 'How those ended that have' }),
    executions: z.array(z.string()).meta({ description: 'Their ids, in the order of the request' }),
  })
  .meta({ id: 'Batch' });

export type BatchView = z.infer<typeof batchViewSchema>;
