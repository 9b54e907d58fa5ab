import { z } from 'zod';
import { idSchema } from '../../contract/ids.js';
import { secretNameSchema, secretRequestFields } from '../../contract/tenants/secret.js';
import { refuseUnknown } from '../http/unknown-fields.js';

/** Body of `PUT /organizations/:organization/secrets/:name`. */
export const secretRequestSchema = refuseUnknown(secretRequestFields).meta({
  id: 'SecretRequest',
  example: { value: 'the secret itself' },
});
export type SecretRequest = z.infer<typeof secretRequestSchema>;

/** Path of the secrets of one organization. */
export const secretsPathSchema = z.object({ organization: idSchema });
export type SecretsPath = z.infer<typeof secretsPathSchema>;

/** Path of one secret. */
export const secretPathSchema = z.object({ organization: idSchema, name: secretNameSchema });
export type SecretPath = z.infer<typeof secretPathSchema>;
