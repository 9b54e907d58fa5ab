import { createHash } from 'node:crypto';

const KEY_BYTES = 32;

/** A key that secrets of the store are encrypted with. */
export interface SecretKey {
  /** 16 hexadecimal digits that stand beside what it encrypted; they do not reveal it. */
  id: string;
  key: Buffer;
}

/**
 * Reads SECRETS_KEY: keys of 32 bytes in base64 or hexadecimal digits, separated by commas. The first encrypts, all
 * decrypt.
 * @throws Error that says which of them is no key
 */
export function secretKeys(list: string | undefined): SecretKey[] {
  return secretKeyTexts(list).map((text, index) => {
    const key = Buffer.from(text, /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'base64');
    if (key.length !== KEY_BYTES || !/^[\w+/-]+={0,2}$/.test(text))
      throw new Error(`key ${index + 1} is not of ${KEY_BYTES} bytes in base64 or hexadecimal digits`);
    return { id: idOf(key), key };
  });
}

/** The keys as they are written. */
export const secretKeyTexts = (list: string | undefined): string[] =>
  (list ?? '')
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');

const idOf = (key: Buffer): string =>
  createHash('sha256').update('bifrost secrets key id\n').update(key).digest('hex').slice(0, 16);

/** What is wrong with a list of keys; null: nothing. The text itself is in no message. */
export function troubleOfSecretKeys(list: string): string | null {
  try {
    return secretKeys(list).length > 0 ? null : 'must hold at least one key';
  } catch (error) {
    return `must be keys separated by commas, as openssl rand -base64 32 prints them: ${(error as Error).message}`;
  }
}
