import { z } from 'zod';
import { idSchema } from '../../contract/ids.js';
import { webhookSchema } from '../../contract/jobs/webhook.js';
import { BACKOFF_TYPES, MAX_ATTEMPTS, MAX_PAUSE_MS } from '../../contract/jobs/job-options.js';
import { zonedMoment } from '../http/moments.js';

const MAX_BACKOFF_MS = 86_400_000;
/** BullMQ keeps order and priority in one number, which leaves this much for the priority. */
const MAX_PRIORITY = 2 ** 21 - 1;
const MAX_TTL_SECONDS = 365 * 86_400;

const milliseconds = (max: number) =>
  z
    .number({ error: 'must be a number of milliseconds' })
    .min(0, { error: 'must be at least 0' })
    .max(max, { error: `must be at most ${max} ms` });
const backoffMs = milliseconds(MAX_BACKOFF_MS);

/** Fields of a request that become options of its job, named alike in both dialects. */
export const jobFields = {
  attempts: z
    .number({ error: 'must be a number' })
    .int({ error: 'must be a whole number' })
    .min(1, { error: 'must be at least 1' })
    .max(MAX_ATTEMPTS, { error: `must be at most ${MAX_ATTEMPTS}` })
    .nullish()
    .meta({ description: 'How often it is tried while its code fails. Default: once' }),
  backoff: z
    .union([backoffMs, z.strictObject({ type: z.enum(BACKOFF_TYPES), delay: backoffMs })], {
      error: 'must be milliseconds, or {type: "fixed", "linear" or "exponential", delay: milliseconds}',
    })
    .nullish()
    .meta({
      description: 'Pause before another attempt, as BullMQ has it: milliseconds, or {type, delay}',
    }),
  delay: milliseconds(MAX_PAUSE_MS)
    .nullish()
    .meta({ description: 'Milliseconds before it is taken at the earliest' }),
  priority: z
    .number({ error: 'must be a number' })
    .int({ error: 'must be a whole number' })
    .min(0, { error: 'must be at least 0' })
    .max(MAX_PRIORITY, { error: `must be at most ${MAX_PRIORITY}` })
    .nullish()
    .meta({
      description:
        'As BullMQ has it: those without one come first, then 1, then 2, …; of an organization, among its own',
    }),
  webhook: webhookSchema.nullish(),
  ttl: z
    .number({ error: 'must be a number of seconds' })
    .positive({ error: 'must be more than 0' })
    .max(MAX_TTL_SECONDS, { error: `must be at most ${MAX_TTL_SECONDS} seconds` })
    .nullish()
    .meta({
      description:
        'Seconds, from the end of its delay, within which its code must have started; else it ends with EXPIRED',
    }),
};

/** `GET /executions/stats` and its like are pages of their own, and clients take dots of a path for folders. */
const UNREACHABLE_IDS: ReadonlySet<string> = new Set(['stats', 'export', 'events', '.', '..']);

/** The id that a request gives to what it asks for: one that can be asked for afterwards. */
export const newIdSchema = idSchema.refine((id) => !UNREACHABLE_IDS.has(id), {
  error: 'stands for something else in an address; take another',
});

/** A time at which it is taken at the earliest. */
export const runAtField = zonedMoment
  .refine((text) => !(Date.parse(text) - Date.now() > MAX_PAUSE_MS), {
    error: 'must be within a year',
  })
  .nullish()
  .meta({ description: 'ISO 8601 time at which it is taken at the earliest; excludes delay' });

/**
 * Refuses a request that says twice when to begin.
 * @param field the one that holds {@link runAtField} in its dialect
 */
export const beginsOnce =
  (field: 'run_at' | 'runAt') =>
  (request: Readonly<Record<string, unknown>>, ctx: z.RefinementCtx): void => {
    if (request['delay'] == null || request[field] == null) return;
    ctx.addIssue({ code: 'custom', path: [field], message: 'excludes delay: send one of them' });
  };
