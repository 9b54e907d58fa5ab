import { z } from 'zod';
import { webhookAttemptSchema } from '../jobs/webhook.js';

/** Answer of `GET /executions/:id/webhooks`. */
export const webhookDeliveriesSchema = z
  .object({
    deliveries: z.array(webhookAttemptSchema).meta({ description: 'In their order; of many the latest 100' }),
  })
  .meta({ id: 'WebhookDeliveries' });

export type WebhookDeliveries = z.infer<typeof webhookDeliveriesSchema>;
