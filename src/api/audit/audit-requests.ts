import { z } from 'zod';
import { isAuditId } from '../../tenants/audit/audit-trail.js';
import { filters, inOrder, limitField, once, OUT_OF_ORDER } from '../history/history-requests.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Query of `GET /audit`. */
export const auditQuerySchema = refuseUnknown(
  z.object({
    token: z.string(once).min(1).max(100).optional().meta({ description: 'Id of a token' }),
    organization: filters.organization.meta({ description: 'What concerned this organization' }),
    since: filters.since.meta({ description: 'At this time or later' }),
    until: filters.until.meta({ description: 'Before this time' }),
    limit: limitField,
    cursor: z
      .string(once)
      .refine(isAuditId, { error: 'must be the next_cursor of the page before' })
      .optional(),
  }),
).refine(inOrder, OUT_OF_ORDER);
export type AuditQuery = z.infer<typeof auditQuerySchema>;
