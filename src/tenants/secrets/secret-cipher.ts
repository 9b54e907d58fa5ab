import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SecretKey } from '../../config/secret-keys.js';
import type { SealedSecret } from '../../contract/tenants/secret.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Whose secret it is, and its name: what is encrypted is good for nothing else. */
export interface SecretPlace {
  organization: string;
  name: string;
}

/** The encrypted part of a secret. */
export type Sealed = Pick<SealedSecret, 'v' | 'key_id' | 'nonce' | 'data' | 'tag'>;

/** A secret cannot be decrypted; `message` says why, and holds nothing of it. */
export class SealError extends Error {
  override name = 'SealError';
}

/** Encrypts a secret for its place. */
export function seal({ id, key }: SecretKey, place: SecretPlace, value: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(place));
  const data = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    v: 1,
    key_id: id,
    nonce: nonce.toString('base64'),
    data: data.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
  };
}

/**
 * Decrypts a secret.
 * @throws {SealError} where none of the keys is its key, or it was changed or is of another place.
 */
export function unseal(keys: readonly SecretKey[], place: SecretPlace, sealed: Sealed): string {
  const known = keys.find(({ id }) => id === sealed.key_id);
  if (!known) throw new SealError(`it is encrypted with the key ${sealed.key_id}, which SECRETS_KEY lacks`);
  try {
    const nonce = Buffer.from(sealed.nonce, 'base64');
    const decipher = createDecipheriv(ALGORITHM, known.key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(place));
    decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
    const data = Buffer.from(sealed.data, 'base64');
    return Buffer.concat([decipher.update(data), decipher.final()]).toString('utf8');
  } catch {
    throw new SealError('its record was changed, or is that of another secret');
  }
}

/** Neither an organization nor a name holds a line break. */
const boundTo = ({ organization, name }: SecretPlace): Buffer =>
  Buffer.from(`bifrost-secret-v1\n${organization}\n${name}`, 'utf8');
