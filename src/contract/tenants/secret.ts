import { z } from 'zod';

/** Longest value of one secret, in characters; all of one execution together have this many at most, too. */
export const SECRET_LIMIT_CHARS = 65_536;

/** Name of a secret, in the store and in `context.secrets`. */
export const secretNameSchema = z.string({ error: 'must be a string' }).regex(/^[A-Za-z_][\w.-]{0,127}$/, {
  error: 'must have 1 to 128 letters, digits and _ . - and begin with a letter or _',
});

/** Body of `PUT /organizations/:organization/secrets/:name`. */
export const secretRequestFields = z.object({
  value: z
    .string({ error: 'must be a string' })
    .min(1, { error: 'must not be empty' })
    .max(SECRET_LIMIT_CHARS, { error: `must have at most ${SECRET_LIMIT_CHARS} characters` }),
});

/**
 * A secret as it is kept in the hash `bifrost:organization:{id}:secrets`, as JSON: AES-256-GCM (NIST SP 800-38D) with
 * a random nonce of 96 bits. docs/tenants.md documents the format.
 */
export const sealedSecretSchema = z.object({
  v: z.literal(1),
  /** Of the key in SECRETS_KEY. */
  key_id: z.string(),
  /** Base64: nonce of 12 bytes, ciphertext, tag of 16 bytes. */
  nonce: z.string(),
  data: z.string(),
  tag: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type SealedSecret = z.infer<typeof sealedSecretSchema>;

/** What is shown of a secret. Its value is shown nowhere. */
export const secretSchema = z
  .object({
    organization: z.string(),
    name: z.string(),
    key_id: z.string().meta({ description: 'Id of the key that it is encrypted with' }),
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: 'Secret' });
export type Secret = z.infer<typeof secretSchema>;

export const secretsSchema = z.object({ secrets: z.array(secretSchema) }).meta({ id: 'Secrets' });
export type Secrets = z.infer<typeof secretsSchema>;

/** Answer of `DELETE /organizations/:organization/secrets/:name`. */
export const removedSecretSchema = z
  .object({ organization: z.string(), name: z.string(), removed: z.literal(true) })
  .meta({ id: 'RemovedSecret' });
export type RemovedSecret = z.infer<typeof removedSecretSchema>;

/** Answer of `POST /secrets/rotate`. */
export const rotatedSecretsSchema = z
  .object({
    key_id: z
      .string()
      .meta({ description: 'Of the first key of SECRETS_KEY: all but `unreadable` have it now' }),
    rotated: z.number().int().meta({ description: 'Encrypted anew' }),
    unchanged: z.number().int().meta({ description: 'Had this key already' }),
    unreadable: z.array(z.object({ organization: z.string(), name: z.string(), key_id: z.string() })).meta({
      description: 'SECRETS_KEY lacks their key, or they were changed by others; they are as before',
    }),
  })
  .meta({ id: 'RotatedSecrets' });
export type RotatedSecrets = z.infer<typeof rotatedSecretsSchema>;
