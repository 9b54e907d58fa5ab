import { z } from 'zod';
import { idSchema } from '../ids.js';
import { nextCursor } from '../fields/next-cursor.js';

/** Roles of tokens; each may do what those before it may. docs/tenants.md says what each is for. */
export const ROLES = ['read', 'submit', 'operate', 'admin'] as const;
export type Role = (typeof ROLES)[number];

/** Whether a role may do what another one is needed for. */
export const mayAs = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

const MOST_ORGANIZATIONS = 100;
/** Columns of the history hold 200 characters of an id: two longer ones could look the same there. */
const LONGEST_ORGANIZATION = 199;
const when = z.string().meta({ description: 'ISO 8601 time, UTC' });

const fields = {
  name: z
    .string({ error: 'must be a string' })
    .regex(/^[^\p{C}]{1,100}$/u, { error: 'must have 1 to 100 visible characters' })
    .meta({ description: 'Says to people what it is for; the audit log shows it' }),
  role: z.enum(ROLES, { error: `must be one of ${ROLES.join(', ')}` }),
  organizations: z
    .array(
      idSchema.max(LONGEST_ORGANIZATION, {
        error: `must have at most ${LONGEST_ORGANIZATION} characters to have tokens of its own`,
      }),
      { error: 'must be a list of organizations' },
    )
    .min(1, { error: 'must name at least one organization; leave it out for all of them' })
    .max(MOST_ORGANIZATIONS, { error: `must have at most ${MOST_ORGANIZATIONS} organizations` })
    .nullable()
    .meta({ description: 'The organizations that it is for; null: all of them' }),
};

/** Body of `POST /tokens`, without what a body of any kind is checked for. */
export const tokenRequestFields = z.object({
  ...fields,
  organizations: fields.organizations.nullish(),
  expires_at: z.iso
    .datetime({ offset: true, error: 'must be a time in ISO 8601, such as 2027-01-31T00:00:00Z' })
    .nullish()
    .meta({ description: 'When it ends. Default: never' }),
});
export type TokenRequestFields = z.infer<typeof tokenRequestFields>;

/** A token, as it is listed: its text is not kept anywhere. */
export const tokenSchema = z
  .object({
    id: z.string(),
    ...fields,
    created_at: when,
    created_by: z.string().meta({ description: 'Name of the token that made it' }),
    expires_at: when.nullable(),
    expired: z.boolean(),
  })
  .meta({ id: 'Token' });
export type Token = z.infer<typeof tokenSchema>;

/** Answer of `POST /tokens`: the only time that the text is shown. */
export const createdTokenSchema = z
  .object({
    ...tokenSchema.shape,
    token: z.string().meta({ description: 'To be sent as a bearer token; it cannot be shown again' }),
  })
  .meta({ id: 'CreatedToken' });
export type CreatedToken = z.infer<typeof createdTokenSchema>;

export const tokensSchema = z.object({ tokens: z.array(tokenSchema) }).meta({ id: 'Tokens' });
export type Tokens = z.infer<typeof tokensSchema>;

/** Answer of `DELETE /tokens/:id`. */
export const revokedTokenSchema = z
  .object({ id: z.string(), revoked: z.literal(true) })
  .meta({ id: 'RevokedToken' });
export type RevokedToken = z.infer<typeof revokedTokenSchema>;

/** Answer of `GET /session`: what the one that asks may do. */
export const sessionSchema = z
  .object({
    required: z.boolean().meta({ description: 'Whether this API wants a token' }),
    open: z.boolean().meta({ description: 'Whether a request of this browser may pass' }),
    version: z.string().nullable().meta({ description: 'Of the worker; null until the session is open' }),
    name: z.string().nullable().meta({ description: 'Name of the token; null until the session is open' }),
    role: z.enum(ROLES).nullable().meta({ description: 'What it may do; null until the session is open' }),
    organizations: z
      .array(z.string())
      .nullable()
      .meta({ description: 'Whose executions it shows; null: those of all organizations' }),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof sessionSchema>;

/** One entry of the audit log: a request for a change, or for something that its token may not have. */
export const auditEntrySchema = z
  .object({
    id: z.string(),
    at: when,
    token_id: z.string().meta({ description: 'API_TOKEN for that one, local where no token is set' }),
    token_name: z.string(),
    role: z.enum(ROLES),
    action: z.string().meta({ description: 'Method and route, such as DELETE /executions/:id' }),
    target: z.string().meta({ description: 'Path of what it was about; of something new, its address' }),
    organization: z
      .string()
      .nullable()
      .meta({ description: 'Whose it is, as far as the path or the token says' }),
    status: z.number().int().meta({ description: 'Status of the answer' }),
    worker_id: z.string().meta({ description: 'The process that answered' }),
  })
  .meta({ id: 'AuditEntry' });
export type AuditEntry = z.infer<typeof auditEntrySchema>;

/** A page of `GET /audit`, the newest first. */
export const auditPageSchema = z
  .object({
    entries: z.array(auditEntrySchema),
    next_cursor: nextCursor,
  })
  .meta({ id: 'AuditPage' });
export type AuditPage = z.infer<typeof auditPageSchema>;
