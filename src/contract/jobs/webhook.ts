import { z } from 'zod';

const MAX_URL_CHARS = 2_000;

const url = z
  .string({ error: 'must be an http or https URL' })
  .max(MAX_URL_CHARS, { error: `must have at most ${MAX_URL_CHARS} characters` })
  .refine(isUsable, {
    error:
      'must be an http or https URL without user and password, such as https://example.com/hooks/bifrost',
  });

/** Where the end of something is reported: a URL, or the name of one that the workers know. */
export const webhookSchema = z
  .strictObject(
    {
      url: url.nullish(),
      endpoint: z
        .string({ error: 'must be a string' })
        .regex(/^[\w.-]{1,100}$/, { error: 'must have 1 to 100 letters, digits and _ . - only' })
        .nullish()
        .meta({ description: 'Name of one of WEBHOOK_ENDPOINTS' }),
    },
    { error: ({ code }) => (code === 'invalid_type' ? 'must be {url: …} or {endpoint: …}' : undefined) },
  )
  .refine((webhook) => (webhook.url == null) !== (webhook.endpoint == null), {
    path: ['url'],
    error: 'or endpoint must be there, and not both',
  })
  .meta({ description: 'Gets a signed message when it has ended: docs/webhooks.md' });

export type Webhook = z.infer<typeof webhookSchema>;

/** What is kept of one delivery of a webhook. */
export const webhookAttemptSchema = z.object({
  at: z.string().meta({ description: 'ISO 8601 time, UTC' }),
  attempt: z.number().int(),
  outcome: z
    .enum(['delivered', 'retried', 'failed'])
    .meta({ description: 'retried: it is tried again; failed: it is not' }),
  to: z.string().meta({ description: 'URL without its query, or the name of the endpoint' }),
  status: z.number().int().nullable().meta({ description: 'HTTP status; null: there was no answer' }),
  error: z.string().nullable(),
  duration_ms: z.number(),
});

export type WebhookAttempt = z.infer<typeof webhookAttemptSchema>;

/** Name of the queue of messages that are to be delivered. */
export const webhookQueueName = (queueName: string): string => `${queueName}-webhooks`;

function isUsable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
