import { z } from 'zod';
import { tokenRequestFields } from '../../contract/tenants/access.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Body of `POST /tokens`. */
export const tokenRequestSchema = refuseUnknown(tokenRequestFields).meta({
  id: 'TokenRequest',
  example: { name: 'deploys of acme', role: 'submit', organizations: ['acme'] },
});
export type TokenRequest = z.infer<typeof tokenRequestSchema>;

/** Path of one token. */
export const tokenPathSchema = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/, { error: 'must be the id of a token' }),
});
export type TokenPath = z.infer<typeof tokenPathSchema>;
