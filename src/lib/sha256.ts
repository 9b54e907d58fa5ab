import { createHash } from 'node:crypto';

/** SHA-256 of a text's UTF-8 bytes, as 64 hexadecimal digits. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Shorter texts are hashed in less time than handing them to another thread takes. */
const LARGE_CHARS = 32 * 1024;

/** As {@link sha256}; a large text is hashed by a thread of Node's pool, off the event loop. */
export async function sha256OfLarge(text: string): Promise<string> {
  if (text.length < LARGE_CHARS) return sha256(text);
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Buffer.from(digest).toString('hex');
}
