import { z } from 'zod';
import { parseNetworkAllow } from '../../config/network-allow.js';
import { idSchema } from '../../contract/ids.js';
import {
  organizationLimitsSchema,
  organizationSettingsSchema,
  quotaSchema,
  quotasSchema,
  rateSchema,
  workflowCaps,
  workflowCapSchema,
} from '../../contract/organization.js';
import { limitField, once } from '../history/history-requests.js';
import { refuseUnknown } from '../http/unknown-fields.js';

const quota = refuseUnknown(quotaSchema).nullish();

const quotasRequestSchema = refuseUnknown(
  quotasSchema.extend({ cpu_seconds: quota, executions: quota, network_bytes: quota, artifact_bytes: quota }),
);

const limitsRequestSchema = refuseUnknown(
  organizationLimitsSchema.superRefine(({ network_allow: entries }, ctx) => {
    for (const [index, entry] of (entries ?? []).entries()) {
      const trouble = troubleOfEntry(entry);
      if (trouble !== null)
        ctx.addIssue({ code: 'custom', path: ['network_allow', index], message: trouble });
    }
  }),
);

/** Body of `PUT /organizations/:id`. */
export const organizationRequestSchema = refuseUnknown(
  organizationSettingsSchema.extend({
    rate: refuseUnknown(rateSchema).nullish(),
    workflows: workflowCaps(refuseUnknown(workflowCapSchema)).meta({
      description: 'Caps of single workflows, by workflow_id',
    }),
    quotas: quotasRequestSchema.default({}).meta({ description: 'For each day (UTC)' }),
    limits: limitsRequestSchema.default({}).meta({ description: 'Of each of its executions' }),
  }),
).meta({
  id: 'OrganizationRequest',
  example: {
    weight: 2,
    max_running: 10,
    rate: { executions: 100, per_seconds: 60 },
    workflows: { 'nightly-report': { max_running: 1 } },
    quotas: { cpu_seconds: { limit: 36_000, action: 'refuse' } },
    limits: { memory_mb: 256, timeout_seconds: 60 },
  },
});
export type OrganizationRequest = z.infer<typeof organizationRequestSchema>;

/** Path of one organization. */
export const organizationIdSchema = z.object({ id: idSchema });
export type OrganizationId = z.infer<typeof organizationIdSchema>;

/** Query of `GET /organizations`. */
export const organizationsQuerySchema = refuseUnknown(
  z.object({
    limit: limitField,
    cursor: z.string(once).optional().meta({ description: 'next_cursor of the page before' }),
  }),
);
export type OrganizationsQuery = z.infer<typeof organizationsQuerySchema>;

/** What is wrong with an entry of an allow list; null: nothing. */
function troubleOfEntry(entry: string): string | null {
  if (entry.includes(',')) return 'must be one entry, without a comma';
  try {
    parseNetworkAllow(entry);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
